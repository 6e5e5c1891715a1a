"""Every setting of a method, task or learner as a column of plain values, so that rows can be compared setting by setting.

Methods, learners, trainers and most tasks are frozen dataclasses: their fields are their settings, and nothing has to be listed by
hand. What is too large for a cell, such as data, stands there as its shape and a checksum, so that "the same data" and "the same
start" are equalities between cells.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    import pandas as pd

Plain: TypeAlias = bool | int | float | str
"""What a cell of a table holds; None is written ``"none"``, because an empty cell means that there is no such setting."""

SCALAR = (bool, int, float, complex, str, type(None))
EXACT = 2**53  # a column with empty cells is one of floats, which hold no larger whole number exactly


def settings(value: Any, prefix: str) -> dict[str, Plain]:
    """Every setting of an object, one column each, named by the way to it.

    An object gives a column ``<prefix>.type`` with the name of its class and columns for its fields; a class without fields that
    has a name gives that. Fields that are objects, mappings, or sequences of objects are entered; a sequence of numbers and
    strings is one column. Arrays, and tuples or mappings of nothing else, are one column with :func:`checksum`. A function is its
    name, with a checksum of what it closes over.

    Args:
        value: a method, task, learner, or anything that is a setting of one.
        prefix: the first part of the names.

    >>> from ddlib.methods import FirstOrder, KMeans
    >>> found = settings(FirstOrder(lr=0.1, begin=KMeans()), "method")
    >>> found["method.lr"], found["method.learn"], found["method.begin.type"], found["method.begin.restarts"]
    (0.1, "('x',)", 'KMeans', 4)
    """
    return dict(_columns(value, prefix, ()))


def is_setting(column: str) -> bool:
    """Whether a column of a table is one of :func:`settings`: only these have a dot in their name."""
    return "." in column


def settings_last(table: pd.DataFrame) -> pd.DataFrame:
    """The table with its columns of settings at the right end, and all others in their order."""
    return table[sorted(table.columns, key=lambda column: is_setting(str(column)))]


def checksum(value: Any) -> str:
    """The shapes of an array, or of all arrays in a tuple or mapping, and eight digits that change with any bit of them.

    >>> checksum(torch.zeros(2, 3))
    '2x3 #cd18ec88'
    """
    digest, shapes = hashlib.blake2b(digest_size=4), []
    for name, array in _arrays(value, ""):
        flat = array.detach().cpu().contiguous().reshape(-1)
        shapes.append("x".join(map(str, array.shape)) or "1")
        digest.update(f"{name} {array.dtype} {shapes[-1]}".encode())
        digest.update(flat.view(torch.uint8).numpy().data)
    return f"{', '.join(shapes)} #{digest.hexdigest()}"


def _columns(value: Any, name: str, above: tuple[int, ...]) -> Iterator[tuple[str, Plain]]:
    if id(value) in above:
        yield name, "itself"  # an object that holds itself
        return
    plain = _plain(value, above)
    if plain is not None:
        yield name, plain
        return
    yield f"{name}.type", type(value).__name__
    for key, inner in _inner(value).items():
        yield from _columns(inner, f"{name}.{key}", (*above, id(value)))


def _plain(value: Any, above: tuple[int, ...]) -> Plain | None:
    """The value of a cell; None for what has to be entered."""
    if value is None:
        return "none"
    if isinstance(value, np.generic) or (isinstance(value, Tensor) and value.ndim == 0):
        value = value.item()
    if isinstance(value, SCALAR):
        if isinstance(value, float) and math.isnan(value):
            return "not a number"  # nan would be read as an empty cell, and so would be ""
        large = isinstance(value, int) and abs(value) > EXACT
        return repr(value) if large or value == "" or isinstance(value, complex) else value
    if isinstance(value, torch.Generator):
        return f"seed {value.initial_seed()} {checksum(value.get_state()).split()[-1]}"
    if _holds(value, (Tensor, np.ndarray)):
        return checksum(value)
    if isinstance(value, list | tuple | set | frozenset) and not hasattr(value, "_asdict") and _holds(value, SCALAR):
        return repr(sorted(value, key=repr) if isinstance(value, set | frozenset) else value)
    if isinstance(value, torch.dtype | torch.device | PurePath | bytes):
        return str(value)
    if inspect.ismodule(value):
        return value.__name__
    if inspect.ismethod(value):
        return _with_memory(value, {"self": value.__self__}, above)
    if inspect.isfunction(value):
        return _with_memory(value, inspect.getclosurevars(value).nonlocals, above)
    return str(value.__qualname__) if callable(value) and hasattr(value, "__qualname__") else None


def _with_memory(function: Any, held: Mapping[str, Any], above: tuple[int, ...]) -> str:
    """A function's name, and a checksum of what it holds: its object, or the variables that it closes over."""
    digest = hashlib.blake2b(repr([*_columns(held, "", above)]).encode(), digest_size=4)
    return f"{function.__qualname__} #{digest.hexdigest()}" if held else str(function.__qualname__)


def _inner(value: Any) -> dict[str, Any]:
    """The parts of a value that is entered."""
    if isinstance(value, Mapping):
        return {str(key): inner for key, inner in value.items()}
    if hasattr(value, "_asdict"):
        return dict(value._asdict())
    if isinstance(value, Sequence | set | frozenset):
        return {str(place): inner for place, inner in enumerate(value)}
    if isinstance(value, functools.partial):
        return {"function": value.func, "arguments": value.args, **value.keywords}
    named = {"name": value.name} if isinstance(getattr(value, "name", None), str) else {}
    if is_dataclass(value):
        return named | {field.name: getattr(value, field.name) for field in fields(value)}
    computed = functools.cached_property  # no setting, and there or not
    held = getattr(value, "__dict__", {}).items()
    return named | {key: inner for key, inner in held if not isinstance(getattr(type(value), key, None), computed)}


def _holds(value: Any, kinds: tuple[type, ...]) -> bool:
    """Whether a value is of these kinds, or a container of nothing else and not empty of them."""
    if isinstance(value, kinds):
        return True
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple | set | frozenset) else None
    if inner is None:
        return False
    return all(_holds(one, kinds) for one in inner) and (len(inner) > 0 or kinds is SCALAR)


def _arrays(value: Any, name: str) -> Iterator[tuple[str, Tensor]]:
    """The arrays in a tree of them, with the way to each."""
    if isinstance(value, Tensor | np.ndarray):
        yield name, torch.as_tensor(value)
        return
    for key, inner in _inner(value).items():
        yield from _arrays(inner, f"{name}.{key}")
