"""Packages that only some of the library needs, imported where they are used."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType


def needed(module: str, extra: str) -> ModuleType:
    """A module of a package that an extra of ddlib brings.

    Raises:
        ModuleNotFoundError: if it is not installed; the message says how to install it.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as missing:
        if missing.name != module.partition(".")[0]:
            raise  # installed, but broken
        message = f"this needs the package {missing.name}, which is not installed: pip install 'ddlib[{extra}]'"
        raise ModuleNotFoundError(message, name=missing.name) from None
