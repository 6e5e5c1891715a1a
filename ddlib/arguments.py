"""What is given to the library, checked before anything is computed: each refusal says what to write instead."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from numbers import Integral
from typing import Any

import torch
from torch import Tensor

from ddlib.distilled import Distilled

__all__ = ["check_batch", "check_generator", "check_run", "check_task", "instance", "is_whole", "lacking"]
__all__ += ["not_given", "one_each", "same_units", "takes"]

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


def takes(thing: Any, calls: Mapping[str, str], what: str) -> None:
    """Refuse an object whose methods cannot be called as the library calls them.

    Args:
        thing: what was given.
        calls: by its name, what a method is called with, as its definition would be written after ``self``.
        what: how the sentence calls the object.

    Raises:
        TypeError: for a method that takes fewer values, or needs more.

    >>> class Mean:
    ...     def fit(self, data):
    ...         return data.y.mean(-1)
    >>> takes(Mean(), {"fit": "data, generator=None"}, "mine")
    Traceback (most recent call last):
    TypeError: fit of mine takes (data), but is called as fit(data, generator=None): write def fit(self, data, generator=None)
    """
    for name, form in calls.items():
        method = getattr(thing, name)
        words = form.split(", ")
        try:
            signature = inspect.signature(method)
        except ValueError:  # what is not written in Python may not say what it takes
            continue
        except TypeError as error:
            raise TypeError(f"{name} of {what} is a {type(method).__name__}: write def {name}(self, {form})") from error
        try:
            for given in (words, [word for word in words if "=" not in word]):
                signature.bind(*given)
        except TypeError as error:
            needed = ", ".join(signature.parameters)
            raise TypeError(
                f"{name} of {what} takes ({needed}), but is called as {name}({form}): write def {name}(self, {form})"
            ) from error


def not_given(thing: object, form: str) -> NotImplementedError:
    """The error of a base class's method that a subclass was to give.

    >>> not_given([], "choose(task, budget, generator)")
    NotImplementedError('list has no choose(task, budget, generator), which each class of its kind gives: write it')
    """
    return NotImplementedError(f"{type(thing).__name__} has no {form}, which each class of its kind gives: write it")


def one_each(values: Any, shape: Iterable[int], what: str) -> None:
    """Refuse what is not one number for each replicate: a sum over all replicates would couple them.

    >>> one_each(torch.tensor(3.0), (2,), "the risk")
    Traceback (most recent call last):
    ValueError: the risk must be one number for each replicate, shape (2,), but is of (): sum over units alone, as by .sum(-1)
    """
    wanted = tuple(shape)
    if not isinstance(values, Tensor) or tuple(values.shape) != wanted:
        given = f"of {tuple(values.shape)}" if isinstance(values, Tensor) else f"a {type(values).__name__}"
        raise ValueError(
            f"{what} must be one number for each replicate, shape {wanted}, but is {given}: sum over units alone, as by .sum(-1)"
        )


def check_batch(size: Any) -> None:
    """Refuse what is no number of units to look at.

    >>> check_batch(0)
    Traceback (most recent call last):
    ValueError: a batch must have a whole number of at least 1 unit, but its size is 0
    """
    if not is_whole(size):
        raise ValueError(f"a batch must have a whole number of at least 1 unit, but its size is {size!r}")


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
    takes(
        task,
        {
            "start": "budget, generator",
            "fit": "distilled, generator=None",
            "risk": "model, split='train'",
            "blocks": "distilled",
        },
        "the task",
    )


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
    forms = {"init": "task, budget, generator", "update": "task, state, generator"}
    takes(method, {name: forms[name] for name in needed[1:]}, "the method")
    check_task(task)
    for value, what, least, instead in ((budget, "the budget", 1, "10"), (steps, "the number of steps", 0, "100")):
        if not isinstance(value, Integral) or isinstance(value, bool):
            raise TypeError(f"{what} must be a whole number, but it is {value!r}: write, for example, {instead}")
        if value < least:
            more = "a distilled set needs a budget of at least 1 unit" if least else "the number of steps must be 0 or more"
            raise ValueError(f"{more}, but it is {value}")
    check_generator(generator)


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
