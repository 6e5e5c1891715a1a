"""Every setting of a method, task or learner as a column of plain values, so that rows can be compared setting by setting.

Methods, learners, trainers and most tasks are frozen dataclasses: their fields are their settings, and nothing has to be listed by
hand. What is too large for a cell, such as data, stands there as its shape and a checksum, so that "the same data" and "the same
start" are equalities between cells.

How a cell is written, :mod:`ddlib.cells` says. A name with ``#`` and eight digits is a function, or an object without fields, and a
checksum of all that it holds; that of a function written in Python holds for one version of Python. A field or key in the name of
a column is written as a cell is, and ``type`` is quoted, so that it is not taken for the class of an object.
"""

from __future__ import annotations

import copyreg
import functools
import hashlib
import inspect
import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import PurePath
from types import CodeType
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from torch import Tensor

from ddlib.cells import Plain, bare, checksum, holds, is_array, is_scalar, scalar, written

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CODE", "Plain", "checksum", "constants", "is_setting", "settings", "settings_last"]

_Above: TypeAlias = tuple[int, ...]
"""The objects that hold a value, from the outermost, by their identity."""

_NEW = copyreg.__newobj__  # type: ignore[attr-defined]  # how an object that is no more than its attributes is made again
_FUNCTION = ("__self__", "__func__", "__wrapped__", "__code__", "__defaults__", "__kwdefaults__")
CODE = (
    *("co_code", "co_exceptiontable", "co_names", "co_varnames", "co_freevars", "co_cellvars", "co_flags"),
    *("co_argcount", "co_posonlyargcount", "co_kwonlyargcount"),
)
"""What of compiled code says what it does, besides :func:`constants`."""


_HAS_DOCSTRING = 0x4000000
"""The flag of compiled code whose first constant is its docstring, from Python 3.13 on; the standard library has no name for it."""


def settings(value: Any, prefix: str) -> dict[str, Plain]:
    """Every setting of an object, one column each, named by the way to it.

    An object gives a column ``<prefix>.type`` with the module and name of its class, and columns for its fields and its name.
    Fields that are objects, mappings, or sequences of objects are entered; a sequence of numbers and strings is one column. Arrays,
    and tuples or mappings of nothing else, are one column with :func:`checksum`. A function is its name, with a checksum of its
    code, its defaults and what it closes over.

    Args:
        value: a method, task, learner, or anything that is a setting of one.
        prefix: the first part of the names.

    Raises:
        TypeError: if something in it can be neither entered nor pickled, such as a lock.
        ValueError: if two settings would have the same name.

    >>> from ddlib.methods import FirstOrder, KMeans
    >>> found = settings(FirstOrder(lr=0.1, begin=KMeans()), "method")
    >>> found["method.lr"], found["method.learn"], found["method.begin.type"], found["method.begin.restarts"]
    (0.1, "('x',)", 'ddlib.methods.quantise.KMeans', 4)
    """
    found: dict[str, Plain] = {}
    for column, cell in _columns(value, prefix, ()):
        if column in found:
            raise ValueError(f"two settings have the name {column}: rename one of these fields or keys")
        found[column] = cell
    return found


def is_setting(column: str) -> bool:
    """Whether a column of a table is one of :func:`settings`: only these have a dot in their name.

    >>> is_setting("method.lr"), is_setting("seed")
    (True, False)
    """
    return "." in column


def settings_last(table: pd.DataFrame) -> pd.DataFrame:
    """The table with its columns of settings at the right end, and all others in their order.

    >>> import pandas as pd
    >>> list(settings_last(pd.DataFrame(columns=["method.lr", "seed", "risk"])))
    ['seed', 'risk', 'method.lr']
    """
    return table[sorted(table.columns, key=lambda column: is_setting(str(column)))]


def constants(code: CodeType) -> tuple[Any, ...]:
    """The constants of compiled code, without its docstring, which stands first among them and changes nothing.

    >>> def area(radius): "Of a disc."; return 3.14 * radius**2
    >>> constants(area.__code__)
    (3.14, 2)
    """
    if sys.version_info >= (3, 13):
        documented = bool(code.co_flags & _HAS_DOCSTRING)
    else:  # a function always keeps the place free, lambdas and comprehensions do not
        documented = bool(code.co_flags & inspect.CO_NEWLOCALS) and not code.co_name.startswith("<")
    return code.co_consts[documented:]


def _columns(value: Any, name: str, above: _Above) -> Iterator[tuple[str, Plain]]:
    if id(value) in above:
        yield name, f"(itself, {len(above) - above.index(id(value))} above)"
        return
    cell = _cell(value, name, above)
    if cell is not None:
        yield name, cell
        return
    yield f"{name}.type", _title(type(value))
    for key, inner in (_inner(value, name, above) or {}).items():
        yield from _columns(inner, f"{name}.{_key(key, name)}", (*above, id(value)))


def _cell(value: Any, name: str, above: _Above) -> Plain | None:
    """The value of a cell; None for what has to be entered."""
    value, within = bare(value), (*above, id(value))
    if isinstance(value, Enum):
        return f"{_title(type(value))}.{value.name}"
    if is_scalar(value):
        return scalar(value)
    if isinstance(value, torch.Generator):
        return f"seed {value.initial_seed()} {checksum(value.get_state()).split()[-1]}"
    if isinstance(value, Tensor) and value.ndim == 0:
        return f"tensor({value.item()}, {value.dtype})"
    if holds(value, is_array):
        return checksum(value)
    if holds(value, is_scalar) and not hasattr(value, "_asdict"):
        return written(value)
    if isinstance(value, torch.dtype | torch.device | PurePath | range):
        return repr(value)
    if inspect.ismodule(value):
        return f"<module {value.__name__}>"
    if isinstance(value, type):
        return _title(value)
    if isinstance(value, CodeType):
        return f"code #{_digest([*(getattr(value, part) for part in CODE), constants(value)], name, within)}"
    if callable(value) and hasattr(value, "__qualname__"):
        return f"{_title(value)} #{_digest(_memory(value), name, within)}"
    if _inner(value, name, above) is None:
        return f"{_title(type(value))} #{_digest(_reduced(value, name), name, within)}"
    return None


def _inner(value: Any, name: str, above: _Above) -> dict[Any, Any] | None:
    """The parts of a value that is entered; None for one that says only how it is made again."""
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "_asdict"):
        return dict(value._asdict())
    if isinstance(value, list | tuple):
        return dict(enumerate(value))
    if isinstance(value, set | frozenset):
        return dict(enumerate(sorted(value, key=lambda one: _digest(one, name, above))))
    if isinstance(value, functools.partial):
        return {"function": value.func, "arguments": value.args, "keywords": value.keywords}
    held = _attributes(value, name)
    if held is None:
        return None
    named = {"name": value.name} if isinstance(getattr(value, "name", None), str) else {}
    listed = {field.name: getattr(value, field.name) for field in fields(value)} if is_dataclass(value) else {}
    computed = functools.cached_property  # no setting, and there or not
    return named | listed | {key: one for key, one in held.items() if not isinstance(getattr(type(value), key, None), computed)}


def _attributes(value: Any, name: str) -> dict[str, Any] | None:
    """What an object holds, in slots or not; None if there is more to it than that."""
    if is_dataclass(value):
        state = object.__getstate__(value)
    else:
        reduced = _reduced(value, name)
        if isinstance(reduced, str) or reduced[0] is not _NEW or len(reduced[1]) > 1 or any(reduced[3:]):
            return None
        state = reduced[2]
    parts = state if isinstance(state, tuple) else (state,)
    if not all(part is None or isinstance(part, dict) for part in parts):
        return None
    return {key: inner for part in parts for key, inner in (part or {}).items()}


def _reduced(value: Any, name: str) -> Any:
    """How an object is made again, as it is pickled, with its items as lists."""
    try:
        known = copyreg.dispatch_table.get(type(value))
        reduced = known(value) if known else value.__reduce_ex__(4)
    except Exception as error:
        raise TypeError(f"{name} is a {_title(type(value))}, of which no setting can be read: hold what it is made from") from error
    return reduced if isinstance(reduced, str) else (*reduced[:3], *(list(items) for items in reduced[3:5] if items is not None))


def _memory(function: Any) -> dict[str, Any]:
    """All that makes a function do what it does, but for what it finds by name."""
    closure = [_content(cell) for cell in getattr(function, "__closure__", None) or ()]
    return {part: getattr(function, part, None) for part in _FUNCTION} | {"closure": closure}


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return ...  # empty as yet


def _digest(value: Any, name: str, above: _Above) -> str:
    """Eight digits that change with any setting of a value, wherever it stands."""
    found = [(column.removeprefix(name), cell) for column, cell in _columns(value, name, above)]
    return hashlib.blake2b(repr(found).encode(), digest_size=4).hexdigest()


def _key(key: Any, name: str) -> str:
    cell = "'type'" if key == "type" else _cell(key, name, ())
    return f"{_title(type(key))} #{_digest(key, name, ())}" if cell is None else str(cell)


def _title(thing: Any) -> str:
    return f"{getattr(thing, '__module__', None) or 'builtins'}.{thing.__qualname__}"
