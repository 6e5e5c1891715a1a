"""Settings of :class:`~ddlib.methods.early_stopped.EarlyStopped` for a merge: a ridge first, then plain descent without it."""

from __future__ import annotations

from ddlib.dbn.methods.staged import Staged
from ddlib.methods import FirstOrder
from ddlib.methods.early_stopped import EarlyStopped

__all__ = ["WATCHED", "stopped_descent"]

WATCHED = (0, 5, 10, 15, 20, 25, 30, 40, 50, 60, 80, 100, 130, 160, 200)
"""Updates after which a descent may stop."""


def stopped_descent(
    budget: int, folds: int = 5, lr: float = 0.15, share: float = 0.003, early: int = 100, most: int = 200
) -> EarlyStopped:
    """A descent on the rows of a :class:`ddlib.dbn.task.merge_task.MergeTask` that stops early, by cross-validation over patients.

    It begins at the optimum of a ridge and goes on without it, by plain gradient steps: so it first fits what the measurements say
    clearly, where the gradient is large, and only later what they hardly say, just as the EM algorithm does. (Adam, which makes
    all steps equally large, does not have this order.) The defaults of step size and ridge were chosen by held-out likelihood on
    networks of their own (``benchmarks/merge_descent_settings.py``).

    Args:
        budget: the number of trajectories that it will be run with.
        folds: each is held out once.
        lr: the step size of plain descent after the ridge, times the budget: a trajectory's gradient falls with their number.
        share: the ridge that the descent begins with (:func:`ddlib.dbn.estimators.ridge.ridge`).
        early: updates with it.
        most: updates without it, at most.

    Raises:
        ValueError: if there are fewer than two folds.

    >>> method = stopped_descent(budget=10, folds=2)
    >>> method.name, method.share
    ('first_order_stopped', 0.5)
    """
    if folds < 2:
        raise ValueError(f"cross-validation needs at least 2 folds, but there are {folds}")
    begin = Staged(ridges=(share,), early=early, rounds=0)
    descent = FirstOrder(lr * budget, optimiser="descent", schedule="constant", keep="last", begin=begin)
    return EarlyStopped(descent, tuple(step for step in WATCHED if step <= most), 1 / folds, name="first_order_stopped")
