"""Whether the cells of a notebook change what is loaded of the project: then no file says any more what its functions do."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from ddbook.press.reach import plain

ROOMS = ("ddlib", "ddbook")
MUTATORS = {"add", "append", "clear", "extend", "insert", "pop", "register", "remove", "setdefault", "update"}
"""Methods that change what they are called on."""


def disturbs(cells: Iterable[str]) -> bool:
    """Whether code stores into a module, class or table of the project, or registers something there.

    >>> disturbs(["from ddlib import pinn", "pinn.PROBLEMS['mine'] = 1"])
    True
    >>> disturbs(["from ddlib import pinn", "mine = pinn.PROBLEMS['heat']; mine_too = [mine]; mine_too.append(mine)"])
    False
    """
    tree = ast.parse("\n".join(plain(cell) for cell in cells))
    ours = set(_imported(tree))
    return any(_root(target) in ours for node in ast.walk(tree) for target in _changed(node))


def _imported(tree: ast.AST) -> Iterator[str]:
    """The names that are bound to something of the project."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in ROOMS:
            yield from (alias.asname or alias.name for alias in node.names)
        if isinstance(node, ast.Import):
            yield from (alias.asname or alias.name.split(".")[0] for alias in node.names if alias.name.split(".")[0] in ROOMS)


def _changed(node: ast.AST) -> Iterator[ast.expr]:
    """What a piece of code changes in place."""
    if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
        yield node
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
