"""Supervised tasks. A task is a learner, a deployment law and a risk; a new one is one file and one line here."""

from ddlib.tasks.empirical import EmpiricalTask, as_data
from ddlib.tasks.least_absolute import LeastAbsoluteTask
from ddlib.tasks.logistic import LogisticTask
from ddlib.tasks.ridge import RidgeTask

__all__ = ["EmpiricalTask", "LeastAbsoluteTask", "LogisticTask", "RidgeTask", "as_data"]
