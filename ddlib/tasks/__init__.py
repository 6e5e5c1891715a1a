"""Supervised tasks. A task is a learner, a deployment law and a risk; a new one is one file and one line here."""

from ddlib.tasks.arrays import class_labels
from ddlib.tasks.classification import ClassificationTask
from ddlib.tasks.empirical import EmpiricalTask, as_data
from ddlib.tasks.interval import IntervalTask
from ddlib.tasks.joint import JointTask
from ddlib.tasks.least_absolute import LeastAbsoluteTask
from ddlib.tasks.logistic import LogisticTask
from ddlib.tasks.regression import RegressionTask
from ddlib.tasks.ridge import RidgeTask
from ddlib.tasks.splits import Splits, random_rows, split
from ddlib.tasks.streamed import Sources, StreamedTask
from ddlib.tasks.supervised import SupervisedTask

__all__ = [
    "ClassificationTask",
    "EmpiricalTask",
    "IntervalTask",
    "JointTask",
    "LeastAbsoluteTask",
    "LogisticTask",
    "RegressionTask",
    "RidgeTask",
    "Sources",
    "Splits",
    "StreamedTask",
    "SupervisedTask",
    "as_data",
    "class_labels",
    "random_rows",
    "split",
]
