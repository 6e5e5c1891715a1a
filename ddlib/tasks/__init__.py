"""Supervised tasks. A task is a learner, a deployment law and a risk; a new one is one file and one line here."""

from ddlib.tasks.classification import ClassificationTask
from ddlib.tasks.empirical import EmpiricalTask, as_data
from ddlib.tasks.interval import IntervalTask
from ddlib.tasks.least_absolute import LeastAbsoluteTask
from ddlib.tasks.logistic import LogisticTask
from ddlib.tasks.ridge import RidgeTask
from ddlib.tasks.splits import Splits, class_labels, random_rows, split

__all__ = [
    "ClassificationTask",
    "EmpiricalTask",
    "IntervalTask",
    "LeastAbsoluteTask",
    "LogisticTask",
    "RidgeTask",
    "Splits",
    "as_data",
    "class_labels",
    "random_rows",
    "split",
]
