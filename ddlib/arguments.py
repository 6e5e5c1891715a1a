"""What is given to the library, checked before anything is computed: each refusal says what to write instead."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral
from typing import Any

import torch

from ddlib.distilled import Distilled

__all__ = ["check_generator", "check_run", "check_set", "check_task", "instance", "is_whole", "lacking", "same_units", "state_of"]

_SEEDED = "torch.Generator().manual_seed(0)"


def is_whole(value: object, least: int = 1) -> bool:
    """Whether the value is a whole number that is not too small.

    >>> is_whole(3), is_whole(3.0), is_whole(True), is_whole(0)
    (True, False, False, False)
    """
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= least


def lacking(thing: object, names: Iterable[str]) -> list[str]:
    """The names that an object has neither in its class nor of its own; no property is computed.

    >>> lacking([], ["append", "fit"])
    ['fit']
    """
    own = getattr(thing, "__dict__", {})
    return [name for name in names if not hasattr(type(thing), name) and name not in own]


def instance(thing: Any, names: Iterable[str], what: str, otherwise: str) -> None:
    """Refuse what is no object with these names.

    Args:
        thing: what was given.
        names: what it needs.
        what: how the sentence calls it.
        otherwise: what to write instead of a thing of another kind.

    Raises:
        TypeError: for a class instead of an object of it, or for an object that lacks a name.

    >>> instance(list, ["append"], "the method", "write KMeans()")
    Traceback (most recent call last):
    TypeError: the method must be an object, but list is a class: write list(...)
    """
    if isinstance(thing, type):
        raise TypeError(f"{what} must be an object, but {thing.__name__} is a class: write {thing.__name__}(...)")
    missing = lacking(thing, names)
    if missing:
        raise TypeError(f"{what} has no {' and no '.join(missing)}, for it is a {type(thing).__name__}: {otherwise}")


def check_generator(generator: Any) -> None:
    """Refuse what is no source of random numbers.

    >>> check_generator(0)
    Traceback (most recent call last):
    TypeError: the generator must be a torch.Generator, but it is 0: write generator=torch.Generator().manual_seed(0)
    """
    if not isinstance(generator, torch.Generator):
        given = "none was given" if generator is None else f"it is {generator!r}"
        raise TypeError(f"the generator must be a torch.Generator, but {given}: write generator={_SEEDED}")


def check_task(task: Any) -> None:
    """Refuse what is no task; data are none, for they do not say what the set is for.

    >>> check_task(Distilled(torch.zeros(1, 2, 3), torch.zeros(1, 2), torch.ones(1, 2)))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    TypeError: the task must say what the set is for, but it is a Distilled of data: write RidgeTask(as_data(x, y)), ...
    """
    if isinstance(task, tuple):
        raise TypeError(
            f"the task must say what the set is for, but it is a {type(task).__name__} of data: write RidgeTask(as_data(x, y)), "
            "ClassificationTask(split(x, class_labels(y), ...), learner), or a task of your own"
        )
    names = ("name", "train", "reference", "start", "fit", "risk", "blocks")
    instance(task, names, "the task", "write one of ddlib.tasks, or a class with these")


def check_run(method: Any, task: Any, budget: Any, steps: Any, generator: Any) -> None:
    """Refuse a call of ``distil`` that cannot work.

    Raises:
        TypeError: if an argument is of another kind.
        ValueError: if the budget is below one or the number of steps below zero.

    >>> from ddlib.methods import KMeans
    >>> from ddlib.tasks import RidgeTask, as_data
    >>> check_run(KMeans(), RidgeTask(as_data([[1.0]], [1.0])), budget=0, steps=0, generator=torch.Generator())
    Traceback (most recent call last):
    ValueError: a distilled set needs a budget of at least 1 unit, but it is 0
    """
    needed = ("name", "init", "update") if steps else ("name", "init")
    instance(method, needed, "the method", "write one of ddlib.methods, such as KMeans()")
    check_task(task)
    for value, what, least, instead in ((budget, "the budget", 1, "10"), (steps, "the number of steps", 0, "100")):
        if not isinstance(value, Integral) or isinstance(value, bool):
            raise TypeError(f"{what} must be a whole number, but it is {value!r}: write, for example, {instead}")
        if value < least:
            more = "a distilled set needs a budget of at least 1 unit" if least else "the number of steps must be 0 or more"
            raise ValueError(f"{more}, but it is {value}")
    check_generator(generator)


def state_of(given: Any, budget: int) -> Any:
    """The state to go on from, for which a whole run may stand.

    Raises:
        TypeError: if it is none.
        ValueError: if its set has another budget.

    >>> state_of("set.pt", 3)
    Traceback (most recent call last):
    TypeError: the state is what an earlier run ended with, but it is a str: write state=run.state
    """
    state = given.state if hasattr(given, "stopped") else given
    reached = getattr(state, "distilled", None)
    if isinstance(given, Distilled) or not isinstance(reached, Distilled):
        raise TypeError(f"the state is what an earlier run ended with, but it is a {type(given).__name__}: write state=run.state")
    if hasattr(state, "step") and reached.budget != budget:
        raise ValueError(f"the state has a set of {reached.budget} units, but the budget is {budget}: give that of the earlier run")
    return state


def check_set(chosen: Any, method: str, budget: int) -> None:
    """Refuse what a method of one's own must not hand out.

    Raises:
        TypeError: if it is no set.
        ValueError: if it has more units than the budget, or no replicate axis.

    >>> check_set(Distilled(torch.zeros(1, 2, 3), torch.zeros(1, 2), torch.ones(1, 2)), "mine", 2)
    """
    if not isinstance(chosen, Distilled):
        raise TypeError(f"{method} must give a Distilled set, but it gave a {type(chosen).__name__}: return Distilled(x, y, w)")
    if chosen.w.ndim != 2 or chosen.budget > budget:
        raise ValueError(
            f"{method} gave weights of shape {tuple(chosen.w.shape)}, but replicates of at most {budget} units were asked for"
        )


def same_units(given: Any, data: Distilled, whose: str) -> None:
    """Refuse a set whose units or labels have other shapes than the data of the task that shall learn from it.

    Raises:
        TypeError: if it is no set.
        ValueError: if it has no replicate axis, or the shapes differ.

    >>> same_units([1.0, 2.0], Distilled(torch.zeros(1, 2, 3), torch.zeros(1, 2), torch.ones(1, 2)), "ridge")
    Traceback (most recent call last):
    TypeError: ridge learns from a Distilled set, but this is a list: write Distilled(x, y, w)
    """
    if not isinstance(given, Distilled):
        instead = "write run.distilled" if hasattr(given, "distilled") else "write Distilled(x, y, w)"
        raise TypeError(f"{whose} learns from a Distilled set, but this is a {type(given).__name__}: {instead}")
    if given.w.ndim < 2 or given.x.shape[: given.w.ndim] != given.w.shape:
        raise ValueError(
            f"a set has a replicate axis in front, as x[None], y[None], w[None] give it, but x has shape {tuple(given.x.shape)} "
            f"and w {tuple(given.w.shape)}: add it, or write as_data(x, y)"
        )
    if given.unit != data.unit or given.label != data.label:
        ours, theirs = (f"units of shape {tuple(s.unit)} with labels of shape {tuple(s.label)}" for s in (given, data))
        raise ValueError(f"the set has {ours}, but the data of {whose} have {theirs}: make them alike")
