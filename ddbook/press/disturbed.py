"""Whether the cells of a notebook change what is loaded: then no file says any more what the project's functions do."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from ddbook.press.reach import plain

ROOMS = ("ddlib", "ddbook")
MUTATORS = {"add", "append", "clear", "extend", "insert", "pop", "register", "remove", "setdefault", "update"}
"""Methods that change what they are called on."""
SETTERS = re.compile(r"set_|seterr|use_deterministic")
"""How functions of a package begin that change how it computes, such as ``torch.set_flush_denormal``."""


def disturbs(cells: Iterable[str]) -> bool:
    """Whether code stores into a module, class or table of the project, registers something there, or sets up another package.

    >>> disturbs(["from ddlib import pinn", "pinn.PROBLEMS['mine'] = 1"])
    True
    >>> disturbs(["from ddlib import pinn", "mine = pinn.PROBLEMS['heat']; mine_too = [mine]; mine_too.append(mine)"])
    False
    """
    tree = ast.parse("\n".join(plain(cell) for cell in cells))
    ours, others = set(_imported(tree, ours=True)), set(_imported(tree, ours=False))
    changed = {_root(target) for node in ast.walk(tree) for target in _changed(node)}
    stored = {_root(target) for node in ast.walk(tree) for target in _stored(node)}
    return bool(ours & (changed | stored) or others & stored or any(_sets_up(node, others) for node in ast.walk(tree)))


def _imported(tree: ast.AST, ours: bool) -> Iterator[str]:
    """The names that are bound to something of the project, or of other packages."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and ((node.module or "").split(".")[0] in ROOMS) == ours:
            yield from (alias.asname or alias.name for alias in node.names)
        if isinstance(node, ast.Import):
            names = [alias for alias in node.names if (alias.name.split(".")[0] in ROOMS) == ours]
            yield from (alias.asname or alias.name.split(".")[0] for alias in names)


def _stored(node: ast.AST) -> Iterator[ast.expr]:
    """That of which a piece of code sets or deletes an attribute or item."""
    if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
        yield node


def _sets_up(node: ast.AST, packages: set[str]) -> bool:
    """Whether a piece of code calls a function by which a package is set up."""
    if not isinstance(node, ast.Call):
        return False
    name = node.func.attr if isinstance(node.func, ast.Attribute) else _root(node.func)
    return bool(SETTERS.match(name)) and _root(node.func) in packages


def _changed(node: ast.AST) -> Iterator[ast.expr]:
    """What a piece of code changes in place by a call."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("setattr", "delattr") and node.args:
        yield node.args[0]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in MUTATORS:
        yield node.func.value
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        yield from node.decorator_list


def _root(node: ast.expr) -> str:
    """The name that a chain of attributes, indices and calls begins with."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""
