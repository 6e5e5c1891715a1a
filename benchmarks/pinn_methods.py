"""What it takes to distil a set of 20 points by each method, in trainings of one plain network on such a set.

The unit is 2000 steps of Adam on 20 points for one network alone, timed in the same run. The PINN that labels points is a row of
its own and not part of the others. Methods without inner trainings run as in chapter 11; those that train networks as they search
run for ``--updates`` updates, or for ``--trainings`` candidates of Algorithm 2, and are given per update or per candidate as well.
Run it with ``python benchmarks/pinn_methods.py``; it takes about two minutes on one core.

Outcome on one thread of a CPU with other work beside it, nonlinear conduction, in trainings: PINN with all physics 2.5; designs
below .01, Gaussian process .2, kernel distillation .9, kernel matching 1.0 for 200 updates; teacher matching 4.4 and unrolling 4.4
for 10 updates with the pool's raising, gradient matching 3.5, derivative-free 4.1 for 20 candidates.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch

from ddbook.chapters.tails.opposite.experiment import make_sets
from ddbook.chapters.tails.opposite.learners import fit_all, judges
from ddbook.chapters.tails.opposite.lessons import make_task, pinn, prepare
from ddbook.chapters.tails.opposite.plans import quick_plans, slow_plans
from ddbook.chapters.tails.opposite.setting import Setting
from ddbook.kit.tails.draws import draws_for
from ddlib.pinn import PROBLEMS


def seconds(work: Callable[[], object], repeats: int = 1) -> float:
    """The least of several times, in seconds."""
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return min(times)


def main(problem: str, budget: int, updates: int, trainings: int, iterations: int) -> None:
    torch.set_num_threads(1)
    setting = Setting(replicates=1, budgets=(budget,), slow_updates=updates, trainings=trainings, iterations=iterations)
    lessons = prepare(make_task(PROBLEMS[problem], setting), pinn(setting), setting.seed)
    task = lessons.task
    learner = judges(task)["network"]
    quick, slow = quick_plans(lessons, setting), slow_plans(lessons, setting)
    some = make_sets(lessons, {"teacher_sobol": quick["teacher_sobol"]}, budget, 0)[0].distilled
    unit = seconds(lambda: fit_all(learner, [some], draws_for(task, 0, "weights")), 3)
    print(f"{problem}, {budget} points: one training takes {unit:.2f} s")
    print(f"{'PINN with all physics':24} {lessons.seconds / unit:8.2f} trainings")
    for name, plan in {**quick, **slow}.items():
        (made,) = make_sets(lessons, {name: plan}, budget, 0)
        cost = made.seconds / unit
        count = trainings if name == "derivative_free" else plan.updates
        each = f", {cost / count:.3f} each of {count}" if count else ""
        print(f"{name:24} {cost:8.2f} trainings{each}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problem", default="conduction", choices=list(PROBLEMS), help="which family")
    parser.add_argument("--budget", type=int, default=20, help="points of a set")
    parser.add_argument("--updates", type=int, default=10, help="of the methods that train networks")
    parser.add_argument("--trainings", type=int, default=20, help="inner trainings of Algorithm 2")
    parser.add_argument("--iterations", type=int, default=300, help="of L-BFGS, for the PINN")
    options = parser.parse_args()
    main(options.problem, options.budget, options.updates, options.trainings, options.iterations)
