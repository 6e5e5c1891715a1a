"""The pages of the library in the book: one for each part of ``ddlib``, from its docstrings."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from pathlib import Path

import ddlib
from ddbook.press.digests import digest, file_digest

HOME = Path(ddlib.__file__).parent

# in the order of imports, as a reader meets them; others follow by name
PARTS = [
    "problem",
    "requirement",
    "closed_forms",
    "learners",
    "methods",
    "tasks",
    "lens",
    "trial",
    "settings",
    "statistics",
    "dbn",
    "pinn",
    "merge",
    "datasets",
]

UNLISTED = {"cli", "console", "extras", "progress"}  # the command, which `ddlib --help` explains, and how it speaks


def library_parts() -> dict[str, list[str]]:
    """The parts of ``ddlib`` that there are, in the order of imports, each with the packages inside it."""
    present = {module.name for module in _inside("")}
    ordered = [part for part in PARTS if part in present] + sorted(present - set(PARTS))
    return {part: [f"{part}.{module.name}" for module in _inside(part) if module.ispkg] for part in ordered}


def _inside(part: str) -> list[pkgutil.ModuleInfo]:
    """The public modules and packages in a part; none in a part that is a single file."""
    return [module for module in pkgutil.iter_modules([str(HOME.joinpath(*part.split(".")))]) if module.name not in UNLISTED]


def file_name(part: str) -> str:
    """The name of a part's page without its suffix: a dot in it would be read as a suffix."""
    return part.replace(".", "_")


def library_page(part: str, earlier: Path) -> str:
    """The reference of one part: its own documentation, what to import from it, then one section for each public module in it.

    Packages in it have pages of their own, to which it links.

    Args:
        part: a module or package of ``ddlib``.
        earlier: the page of an earlier build, if there is one: it is taken if the library has not changed since, because to load it
            takes longer than all else that is staged.
    """
    checksum = f"% of the library with the checksum {_checksum()}"
    if earlier.exists() and (page := earlier.read_text(encoding="utf-8")).endswith(checksum):
        return page
    package = importlib.import_module(f"ddlib.{part}")
    inner = [module.name for module in _inside(part) if not module.ispkg]
    blocks = [f"# `ddlib.{part}`", _automodule(f"ddlib.{part}")]
    packages = [f"{part}.{module.name}" for module in _inside(part) if module.ispkg]
    pages = [f"{{doc}}`ddlib.{name} <{file_name(name)}>`" for name in packages]
    if pages:
        blocks.append(f"With pages of their own: {', '.join(pages)}.")
    offered = [getattr(package, name) for name in getattr(package, "__all__", [])] if inner else []
    ours = [thing for thing in offered if hasattr(thing, "__qualname__") and thing.__module__.startswith("ddlib.")]  # no aliases
    links = [f"{{py:obj}}`~{thing.__module__}.{thing.__qualname__}`" for thing in ours]
    if links:
        blocks.append(f"To be imported from `ddlib.{part}`: {', '.join(links)}.")
    for name in inner:
        blocks += [f"## `{part}.{name}`", _automodule(f"ddlib.{part}.{name}")]
    return "\n\n".join([*blocks, checksum])


@cache
def _checksum() -> str:
    """Of all code of the library, and of how pages are made from it: a part shows what it takes from others too."""
    return digest([file_digest(path) for path in [*sorted(HOME.rglob("*.py")), Path(__file__)]])


def _automodule(name: str) -> str:
    """Each object once, on the page of the module that defines it: a package lists what it offers as links."""
    return f"```{{eval-rst}}\n.. automodule:: {name}\n   :members:\n   :ignore-module-all:\n```"
