"""What modules of the project hold that they did not hold before: a notebook may have set it, which no file of code says."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import numpy as np
from torch import Tensor

PLAIN = (type(None), bool, int, float, complex, str, bytes)
PRESS = "ddbook.press"
"""Finds out what is to be computed, and changes while it does."""


class State:
    """The variables of loaded modules that hold numbers, texts, arrays, or collections of such, as they were when first seen.

    Args:
        rooms: the packages whose modules are looked at.
        digest: of a value; the second argument is how it is called.
    """

    def __init__(self, rooms: Sequence[str], digest: Callable[[Any, str], str]) -> None:
        self._rooms, self._digest = rooms, digest
        self._first: dict[str, str] = {}
        self.changed()

    def changed(self) -> dict[str, str]:
        """The digests of the variables that hold something else by now, by their full name."""
        now = {name: self._digest(value, name) for name, value in self._variables().items()}
        self._first = now | self._first
        return {name: digest for name, digest in now.items() if digest != self._first[name]}

    def _variables(self) -> dict[str, Any]:
        modules = [(name, module) for name, module in sorted(sys.modules.items()) if isinstance(module, ModuleType)]
        ours = [(name, module) for name, module in modules if name.split(".")[0] in self._rooms and not name.startswith(PRESS)]
        return {
            f"{name}.{key}": one for name, module in ours for key, one in vars(module).items() if key[:2] != "__" and _is_data(one)
        }


def _is_data(value: Any) -> bool:
    if type(value) in (list, tuple, set, frozenset):
        return all(map(_is_data, value))
    if type(value) is dict:
        return all(_is_data(one) for pair in value.items() for one in pair)
    return type(value) in PLAIN or isinstance(value, Tensor | np.ndarray)
