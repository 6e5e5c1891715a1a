"""Dataset distillation from first principles: tasks, methods, and how faithful one is to the other."""

from ddlib.problem import Distilled, Method, Task, distil, optimality_gap, regret

__all__ = ["Distilled", "Method", "Task", "distil", "optimality_gap", "regret"]
