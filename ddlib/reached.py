"""What a method hands out and what it goes on from, checked: each refusal says what to return or to give instead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_type_hints

import torch

from ddlib.arguments import one_each, same_units
from ddlib.distilled import Distilled

__all__ = ["check_finite", "check_set", "check_state", "check_step", "replicates_of", "state_of"]


def replicates_of(task: Any) -> int:
    """How many sets a task learns from side by side, also where its data are not held.

    >>> from ddlib.tasks import RidgeTask, as_data
    >>> replicates_of(RidgeTask(as_data([[1.0]], [1.0]), replicates=3))
    3
    """
    count: int = task.replicates if getattr(task, "streamed", False) else task.train.replicates
    return count


def state_of(given: Any, method: Any, task: Any, budget: int) -> Any:
    """The state to go on from, for which a whole run may stand.

    Raises:
        TypeError: if it is none, or one of another method.
        ValueError: if its set has another budget or other units than the task's, or it has learned other parts than the method.

    >>> from ddlib.methods import KMeans
    >>> state_of("set.pt", KMeans(), None, 3)
    Traceback (most recent call last):
    TypeError: the state is what an earlier run ended with, but it is a str: write state=run.state
    """
    state = given.state if hasattr(given, "stopped") else given
    reached = getattr(state, "distilled", None)
    if isinstance(given, Distilled) or not isinstance(reached, Distilled):
        raise TypeError(f"the state is what an earlier run ended with, but it is a {type(given).__name__}: write state=run.state")
    ours, whose, kind = type(method).__name__, getattr(state, "method", ""), _kind(method)
    if (whose and whose != ours) or (kind is not None and not isinstance(state, kind)):
        raise TypeError(
            f"the state is one of {whose or 'another method'} (a {type(state).__name__}), which {ours} cannot go on from: give one "
            f"of {ours}, or begin at its set, begin=Given(run.distilled)"
        )
    if hasattr(state, "step") and reached.budget != budget:
        raise ValueError(f"the state has a set of {reached.budget} units, but the budget is {budget}: give that of the earlier run")
    learned, learn = getattr(state, "first", None), getattr(method, "learn", None)
    if isinstance(learned, dict) and learn is not None and set(learned) & {*Distilled._fields} != set(learn):
        before = tuple(part for part in learned if part in Distilled._fields)
        raise ValueError(f"the state is of a run that learned {before}, but the method learns {learn}: write learn={before}")
    if not getattr(task, "streamed", False):
        same_units(reached, task.train, task.name)
    return state


def _kind(method: Any) -> type | None:
    """The type of a method's states, as far as ``init`` says it."""
    try:
        kind = get_type_hints(type(method).init).get("return")
    except (AttributeError, NameError, TypeError):
        return None
    return kind if isinstance(kind, type) and kind is not Any else None


def check_set(chosen: Any, method: str, budget: int, replicates: int) -> None:
    """Refuse what a method of one's own must not hand out.

    Raises:
        TypeError: if it is no set.
        ValueError: if it has more units than the budget, or other replicates than the task.

    >>> check_set(Distilled(torch.zeros(1, 2, 3), torch.zeros(1, 2), torch.ones(1, 2)), "mine", 2, 4)
    Traceback (most recent call last):
    ValueError: mine gave a set of 1 replicates, but the task has 4: choose one for each of task.train
    """
    if not isinstance(chosen, Distilled):
        raise TypeError(f"{method} must give a Distilled set, but it gave a {type(chosen).__name__}: return Distilled(x, y, w)")
    if chosen.w.ndim != 2 or not 1 <= chosen.budget <= budget:
        raise ValueError(
            f"{method} gave weights of shape {tuple(chosen.w.shape)}, but replicates of 1 to {budget} units were asked for: give "
            "each part the axes (R, m, ...)"
        )
    if chosen.x.shape[:2] != chosen.w.shape or chosen.y.shape[:2] != chosen.w.shape:
        shapes = ", ".join(f"{name} {tuple(part.shape)}" for name, part in chosen._asdict().items())
        raise ValueError(f"{method} gave a set whose parts do not fit together, {shapes}: give each its axes (R, m, ...)")
    if chosen.replicates != replicates:
        raise ValueError(
            f"{method} gave a set of {chosen.replicates} replicates, but the task has {replicates}: choose one for each of "
            "task.train"
        )


def check_state(state: Any, method: str, budget: int, replicates: int) -> None:
    """Refuse what is no state of a method of one's own, or has a set that it must not hand out.

    Raises:
        TypeError: if it has no set.
        ValueError: as :func:`check_set`.

    >>> check_state(None, "mine", 2, 1)
    Traceback (most recent call last):
    TypeError: init of mine must return a state with the attribute distilled, but it returned a NoneType: write a NamedTuple with it
    """
    if isinstance(state, Distilled) or not hasattr(state, "distilled"):
        raise TypeError(
            f"init of {method} must return a state with the attribute distilled, but it returned a {type(state).__name__}: write a "
            "NamedTuple with it"
        )
    check_set(state.distilled, method, budget, replicates)


def check_step(made: Any, method: str, task: str, replicates: int) -> Any:
    """What an update of a method returned, if it is a state and an info.

    Raises:
        TypeError: if it is anything else.
        ValueError: if the surrogate is not one number for each replicate.

    >>> check_step(None, "mine", "ridge", 1)
    Traceback (most recent call last):
    TypeError: update of mine must return a state and an Info, but it returned a NoneType: return state, Info(surrogate)
    """
    if not isinstance(made, tuple) or len(made) != 2 or not all(map(hasattr, made, ("distilled", "surrogate"))):
        raise TypeError(
            f"update of {method} must return a state and an Info, but it returned a {type(made).__name__}: "
            "return state, Info(surrogate)"
        )
    one_each(made[1].surrogate, (replicates,), f"the surrogate of {method}, or the risk of {task} behind it,")
    return made


def check_finite(distilled: Distilled, surrogates: Sequence[torch.Tensor], where: str) -> None:
    """Refuse a set that is not finite, or that no finite surrogate led to; asked once, after the run.

    Raises:
        FloatingPointError: for such a set.

    >>> check_finite(Distilled(torch.ones(1, 2, 3) / 0, torch.zeros(1, 2), torch.ones(1, 2)), [], "mine on ridge")
    Traceback (most recent call last):
    FloatingPointError: mine on ridge reached a value that is not finite after 0 steps: lower its step size or raise the budget
    """
    steps = len(surrogates)
    if not all(bool(part.isfinite().all()) for part in distilled):
        raise FloatingPointError(
            f"{where} reached a value that is not finite after {steps} steps: lower its step size or raise the budget"
        )
    if steps and not bool(torch.stack([value.detach() for value in surrogates]).isfinite().any(0).all()):
        raise FloatingPointError(
            f"{where} met no finite surrogate in {steps} steps, so the set is no better than its start: lower the step size "
            "of the method, or that of the training which it looks at"
        )
