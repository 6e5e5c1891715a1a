"""Values as cells of a table, such that things that differ are written differently, also after the table went through a file.

Text of letters, digits, spaces and hyphens stands as it is; text that would be read as something else (``"NA"``, ``"1.0"``,
``"true"``, ``"none"``), and all other text, stands quoted, as Python writes it: ``'NA'``. Numbers that a table does not hold stand
as calls: ``float(nan)``, ``float(-0.0)``, ``int(9007199254740993)``. None is ``none``.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

__all__ = ["Plain", "bare", "checksum", "holds", "is_array", "is_scalar", "scalar", "written"]

Plain: TypeAlias = bool | int | float | str
"""What a cell of a table holds; None is written ``"none"``, because an empty cell means that there is no such setting."""

_SCALAR = (bool, int, float, complex, str, bytes, type(None))
_EXACT = 2**53  # a column with empty cells is one of floats, which hold no larger whole number exactly
_TAKEN = {"na", "null", "none", "true", "false"}  # words that are read as something else; "nan" and "inf" are numbers


def scalar(value: Any) -> Plain:
    """A number, text, bytes or None as a cell.

    >>> scalar("kernel ridge"), scalar("NA"), scalar(None), scalar(0.5), scalar(float("nan"))
    ('kernel ridge', "'NA'", 'none', 0.5, 'float(nan)')
    """
    if value is None:
        return "none"
    if isinstance(value, str):
        ordinary = re.fullmatch(r"[\w -]+", value) and value.lower() not in _TAKEN and not _is_number(value)
        return str.__str__(value) if ordinary else str.__repr__(value)
    if isinstance(value, bytes):
        return repr(value)
    if isinstance(value, complex):
        return f"complex({value})"
    if isinstance(value, float):
        unheld = math.isnan(value) or (value == 0 and math.copysign(1, value) < 0)
        return f"float({value})" if unheld else value
    return f"int({value})" if abs(value) > _EXACT else value


def written(value: Any) -> str:
    """A sequence or set of scalars as Python writes it, with a set in the order of what is written.

    >>> written((np.float64(1), {"b", "a"}))
    "(1.0, {'a', 'b'})"
    """
    if isinstance(value, set | frozenset):
        return f"{{{', '.join(sorted(map(written, value)))}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(written, value))}]"
    if isinstance(value, tuple):
        return f"({', '.join(map(written, value))}{',' * (len(value) == 1)})"
    return repr(bare(value))


def bare(value: Any) -> Any:
    """A number or text of NumPy as one of Python.

    >>> bare(np.float64(0.5)), bare("text")
    (0.5, 'text')
    """
    return value.item() if isinstance(value, np.generic) and value.dtype.kind in "biufcSU" else value


def is_scalar(value: Any) -> bool:
    """Whether a value is a number, text, bytes or None.

    >>> is_scalar("text"), is_scalar(np.int64(3)), is_scalar([3])
    (True, True, False)
    """
    return isinstance(bare(value), _SCALAR)


def is_array(value: Any) -> bool:
    """Whether a value is an array whose bits say all of it.

    >>> is_array(torch.zeros(2)), is_array(np.zeros(2)), is_array([0.0, 0.0])
    (True, True, False)
    """
    plainly = isinstance(value, np.ndarray) and not isinstance(value, np.ma.MaskedArray) and not value.dtype.hasobject
    return plainly or isinstance(value, Tensor)


def holds(value: Any, is_one: Callable[[Any], bool]) -> bool:
    """Whether a value is of a kind, or a list, tuple or mapping of nothing else and not empty of it; sets and () are scalars.

    >>> holds([1, (2, "three")], is_scalar), holds({"x": torch.zeros(2)}, is_array), holds([], is_array)
    (True, True, False)
    """
    if is_one(value):
        return True
    kinds = list | tuple | (set | frozenset if is_one is is_scalar else Mapping)
    if not isinstance(value, kinds):
        return False
    inner = value.values() if isinstance(value, Mapping) else value
    return all(holds(one, is_one) for one in inner) and (len(inner) > 0 or is_one is is_scalar)


def checksum(value: Any) -> str:
    """The shapes of an array, or of all arrays in a tuple or mapping, and eight digits that change with any bit of them.

    Raises:
        TypeError: if there is anything else than arrays in it.

    >>> checksum(torch.zeros(2, 3))
    '2x3 #cd18ec88'
    """
    digest, shapes = hashlib.blake2b(digest_size=4), []
    for name, array in _arrays(value, ""):
        kind, content = _bits(array)
        shapes.append("x".join(map(str, array.shape)) or "scalar")
        digest.update(f"{name} {kind} {shapes[-1]}".encode())
        digest.update(content)
    return f"{', '.join(shapes)} #{digest.hexdigest()}"


def _arrays(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    """The arrays in a tree of them, with the way to each."""
    if is_array(value):
        yield name, value
        return
    if not isinstance(value, list | tuple | Mapping):
        raise TypeError(f"a checksum is one of arrays, but there is a {type(value).__name__}: take the checksum of its arrays")
    named = value._asdict() if hasattr(value, "_asdict") else value
    for key, inner in named.items() if isinstance(named, Mapping) else enumerate(named):
        yield from _arrays(inner, f"{name}.{scalar(key) if is_scalar(key) else written(key)}")


def _bits(array: Any) -> tuple[str, Any]:
    """What the numbers of an array are, and their bits, the same for a tensor and an array of NumPy."""
    if isinstance(array, np.ndarray):
        array = np.ascontiguousarray(array).reshape(array.shape)
        try:
            array = torch.as_tensor(array)
        except (TypeError, ValueError):  # text, dates, other orders of bytes: torch has no such kind
            return array.dtype.str if array.dtype.names is None else str(array.dtype.descr), array.tobytes()
    kind = str(array.dtype) if array.layout is torch.strided else f"{array.dtype} {array.layout}"
    dense = array.detach() if array.layout is torch.strided else array.detach().to_dense()
    flat = dense.cpu().resolve_conj().resolve_neg().contiguous().reshape(-1)
    return kind, flat.view(torch.uint8).numpy().data


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
