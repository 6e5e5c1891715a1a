"""Packages that only some of the library needs, imported where they are used."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

__all__ = ["needed"]


def needed(module: str, extra: str) -> ModuleType:
    """A module of a package that an extra of ddlib brings.

    Raises:
        ModuleNotFoundError: if it is not installed; the message says how to install it.

    >>> needed("json", "merge").loads("[1, 2]")
    [1, 2]
    >>> needed("no_such_package", "merge")
    Traceback (most recent call last):
        ...
    ModuleNotFoundError: this needs the package no_such_package, which is not installed: pip install 'ddlib[merge]'
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as missing:
        if missing.name != module.partition(".")[0]:
            raise  # installed, but broken
        message = f"this needs the package {missing.name}, which is not installed: pip install 'ddlib[{extra}]'"
        raise ModuleNotFoundError(message, name=missing.name) from None
