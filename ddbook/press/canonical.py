"""One digest for each value that a computation can be given, the same in every process and on every day.

What decides is content: a tensor by its bits, an object by its class and its fields, a function of the project by the code that it
reaches, a file by its bytes. What changes while it is used, or would have to be run to be known, has no digest and is refused.
"""

from __future__ import annotations

import enum
import functools
import hashlib
import inspect
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path, PurePath
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from ddlib.files import InputError
from ddlib.settings import CODE, constants

PLAIN = (
    *(type(None), bool, int, float, complex, str, bytes, range, type(...), torch.dtype, torch.device),
    *(type(pd.NA), type(pd.NaT), pd.Timestamp, pd.Timedelta),
)
FUNCTION = (type, FunctionType, BuiltinFunctionType, functools._lru_cache_wrapper)
VERSIONED = sys.stdlib_module_names | {"deepxde", "nevergrad", "numpy", "pandas", "pgmpy", "scipy", "sklearn", "torch"}
"""Packages whose version says what their code is; it is a part of the key (:func:`ddbook.press.provenance.versions`)."""
EXTENDED = (dict, set, frozenset, np.ndarray, Tensor, pd.DataFrame, pd.Series)
"""Kinds whose subclasses may hold more, such as the mask of an array."""
BUILT_IN = (*EXTENDED, OrderedDict, torch.nn.Parameter, np.memmap)
Reached = Callable[[str, str], Mapping[str, str]]


@dataclass(frozen=True)
class Canonical:
    """Digests of values.

    Attributes:
        reached: the code that a module's function or class reaches, as digests by file.
        rooms: the packages whose code counts as it stands.
    """

    reached: Reached
    rooms: tuple[str, ...]
    _digests: dict[tuple[str, str], str] = field(default_factory=dict, repr=False)

    def digest(self, value: Any, name: str) -> str:
        """The digest of a value.

        Args:
            value: numbers, text, paths of files, tensors, arrays, frames, functions and classes of modules, and lists, tuples,
                sets, mappings and objects of such.
            name: how a refusal calls the value.

        Raises:
            InputError: if there is anything else in it.
        """
        if type(value) in PLAIN:
            return _digest(type(value).__name__, repr(value))
        for kind, of_kind in _KINDS.items():
            if isinstance(value, kind):
                return self._as_made(of_kind(self, value, name), value, name)
        if _is_of(self.rooms, value) and hasattr(value, "__dict__"):
            return self._object(value, name)
        raise InputError(_refusal(value, name))

    def _as_made(self, digest: str, value: Any, name: str) -> str:
        """The digest of a value with what its class adds to what all of its kind hold."""
        if type(value) in BUILT_IN or not isinstance(value, EXTENDED):
            return digest
        if not _is_of(self.rooms, value):
            raise InputError(_refusal(value, name))
        return _digest("of a class", digest, self.code(type(value), name), self._mapping(vars(value), name))

    def code(self, function: Any, name: str) -> str:
        """The digest of the code of a function or class: one that can be imported, or a function that one of the project has made.

        Raises:
            InputError: if it is neither, such as one of a notebook.
        """
        module, path = getattr(function, "__module__", None) or "builtins", getattr(function, "__qualname__", "")
        package, top, made = module.split(".")[0], path.split(".")[0], "<locals>" in path
        inside = package in self.rooms and _imported(module, top) is not None
        known = inside and isinstance(function, FunctionType) if made else _imported(module, path) is function
        if not (known and (inside or package in VERSIONED)):
            raise InputError(
                f"{name} is {path or type(function).__name__}, which no module of {' or '.join(self.rooms)} has: define it there, "
                "so that it is known by its code"
            )
        memory = self._memory(function, name) if made else ""
        return _digest("code", module, path, self._reached(module, top) if inside else "", memory)

    def _reached(self, module: str, top: str) -> str:
        """The digest of all that is reached; files do not change under a kernel that has loaded them."""
        if (module, top) not in self._digests:
            self._digests[module, top] = self._mapping(self.reached(module, top), f"the code of {module}.{top}")
        return self._digests[module, top]

    def _memory(self, function: FunctionType, name: str) -> str:
        """What a function that was made by another holds, and which of those made there it is."""
        held = [cell.cell_contents for cell in function.__closure__ or ()]
        return self._all("memory", [function.__code__, held, function.__defaults__, function.__kwdefaults__], name)

    def _compiled(self, value: CodeType, name: str) -> str:
        return self._all("compiled", [*(getattr(value, part) for part in CODE), constants(value)], name)

    def _all(self, kind: str, values: Iterable[Any], name: str) -> str:
        return _digest(kind, *(self.digest(value, f"{name}[{i}]") for i, value in enumerate(values)))

    def _sequence(self, value: list[Any] | tuple[Any, ...], name: str) -> str:
        kind = "list" if isinstance(value, list) else "tuple"
        return self._all(kind, value, name) if type(value) in (list, tuple) else self._named_tuple(value, name)

    def _named_tuple(self, value: Any, name: str) -> str:
        named = value._asdict() if hasattr(value, "_asdict") else dict(enumerate(value))
        return _digest("tuple of a class", self.code(type(value), name), self._mapping(named, name))

    def _set(self, value: Iterable[Any], name: str) -> str:
        return _digest("set", *sorted(self.digest(one, name) for one in value))

    def _mapping(self, value: Mapping[Any, Any], name: str) -> str:
        pairs = ((self.digest(key, f"a key of {name}"), self.digest(one, f"{name}[{key!r}]")) for key, one in value.items())
        return _digest("mapping", *(digest for pair in pairs for digest in pair))

    def _partial(self, value: functools.partial[Any], name: str) -> str:
        return self._all("partial", [value.func, value.args, value.keywords], name)

    def _method(self, value: MethodType, name: str) -> str:
        return self._all("method", [value.__self__, value.__func__.__name__], name)

    def _enum(self, value: enum.Enum, name: str) -> str:
        return _digest("enum", self.code(type(value), name), value.name)

    def _path(self, value: PurePath, name: str) -> str:
        path = Path(value)
        if not path.is_file():
            raise InputError(f"{name} is the path {value}, which is no file: give a file, which counts by its content")
        return _digest("file", path.name, hashlib.sha256(path.read_bytes()).hexdigest())

    def _tensor(self, value: Tensor, name: str) -> str:
        if value.layout is not torch.strided:
            raise InputError(_refusal(value, name))
        plain = value.detach().cpu().resolve_conj().resolve_neg().contiguous().reshape(-1).view(torch.uint8)
        about = f"{value.dtype} {tuple(value.shape)} {value.device.type} {value.requires_grad}"
        return _digest("tensor", about, plain.numpy().tobytes())

    def _array(self, value: np.ndarray | np.generic, name: str) -> str:
        array = np.asarray(value)
        content = self._all("objects", array.ravel().tolist(), name) if array.dtype.hasobject else array.tobytes()
        return _digest("array", f"{type(value).__name__} {array.dtype.descr} {array.shape}", content)

    def _frame(self, value: pd.DataFrame, name: str) -> str:
        columns = [value.iloc[:, i].array for i in range(value.shape[1])]
        return self._all("frame", [value.attrs, value.columns, value.index, *columns], name)

    def _column(self, value: pd.Series[Any], name: str) -> str:
        return self._all("column", [value.attrs, value.name, value.index, value.array], name)

    def _index(self, value: pd.Index[Any], name: str) -> str:
        levels = [value.get_level_values(i).array for i in range(value.nlevels)]
        return self._all("index", [type(value).__name__, getattr(value, "freqstr", None), *value.names, *levels], name)

    def _cells(self, value: pd.api.extensions.ExtensionArray, name: str) -> str:
        """A column's values: of categories all that there are, in their order, count too."""
        kind = value.dtype
        if isinstance(kind, np.dtype):
            return self._array(np.asarray(value), name)
        categories = [kind.categories, bool(kind.ordered)] if isinstance(kind, pd.CategoricalDtype) else []
        return self._all("cells", [str(kind), *categories, *np.asarray(value, dtype=object).tolist()], name)

    def _object(self, value: Any, name: str) -> str:
        held = {key: one for key, one in vars(value).items() if not _cached(type(value), key)}
        if is_dataclass(value):
            held = {known.name: getattr(value, known.name) for known in fields(value)} | held
        return _digest("object", self.code(type(value), name), *(self._mapping({key: held[key]}, name) for key in sorted(held)))


_KINDS: dict[Any, Callable[[Canonical, Any, str], str]] = {
    enum.Enum: Canonical._enum,
    np.ndarray | np.generic: Canonical._array,
    list | tuple: Canonical._sequence,
    set | frozenset: Canonical._set,
    Mapping: Canonical._mapping,
    functools.partial: Canonical._partial,
    MethodType: Canonical._method,
    PurePath: Canonical._path,
    Tensor: Canonical._tensor,
    CodeType: Canonical._compiled,
    pd.DataFrame: Canonical._frame,
    pd.Series: Canonical._column,
    pd.Index: Canonical._index,
    pd.api.extensions.ExtensionArray: Canonical._cells,
    FUNCTION: Canonical.code,
}


def _is_of(rooms: Iterable[str], value: Any) -> bool:
    return type(value).__module__.split(".")[0] in rooms


def _digest(kind: str, *contents: str | bytes) -> str:
    """One SHA-256 of what there is and how long each of it is, so that no two lists of contents run into each other."""
    whole = hashlib.sha256()
    for content in (kind, *contents):
        data = content.encode() if isinstance(content, str) else content
        whole.update(len(data).to_bytes(8, "big"))
        whole.update(data)
    return whole.hexdigest()


def _imported(module: str, path: str) -> Any:
    """What a module has under a name; None if that is nothing."""
    known: Any = sys.modules.get(module)
    for name in path.split("."):
        known = inspect.getattr_static(known, name, None) if inspect.isclass(known) else getattr(known, name, None)
        known = known.__func__ if isinstance(known, staticmethod | classmethod) else known
    return known


def _cached(kind: type, key: str) -> bool:
    """Whether an attribute is computed from the others, and there or not."""
    return isinstance(inspect.getattr_static(kind, key, None), functools.cached_property)


def _refusal(value: Any, name: str) -> str:
    if isinstance(value, torch.Generator):
        return f"{name} is a torch.Generator, which a replay would not advance: give a seed, and make the generator inside"
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    return f"{name} is a {kind}, of which nobody knows when it is the same: give numbers, text, tensors, frames or objects of such"
