"""General inference procedures: what a task makes of a set of data. They know nothing of tasks or methods."""

from ddlib.learners.least_absolute import absolute_objective, least_absolute
from ddlib.learners.logistic import logistic, logistic_objective
from ddlib.learners.ridge import ridge, ridge_objective

__all__ = ["absolute_objective", "least_absolute", "logistic", "logistic_objective", "ridge", "ridge_objective"]
