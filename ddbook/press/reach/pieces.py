"""Pieces of code: a module as its top-level statements, with what each binds, mentions, imports and does when it is loaded."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NamedTuple

from ddbook.press.reach.plain import strip
from ddbook.press.reach.syntax import (
    DEFINITIONS,
    Chain,
    Facts,
    Import,
    bound_by_import,
    changed,
    children,
    executed_at_once,
    loaded_by,
    read,
    root,
)


class Effect(NamedTuple):
    """What a statement does beyond binding names while its module is loaded.

    Attributes:
        kind: ``sets`` an attribute or item of ``roots``, ``commands`` them by a call for its effect alone, ``makes`` a value by a
            call of them, ``decorates`` a definition with them, or ``inherits`` from them.
        roots: the names with which the expressions begin that stand for it.
        arguments: what a call is given, where it may change that as well.
    """

    kind: Literal["sets", "commands", "makes", "decorates", "inherits"]
    roots: tuple[Chain, ...]
    arguments: tuple[Chain, ...] = ()


@dataclass(eq=False)
class Module:
    """A module as its pieces; a folder without ``__init__.py`` is a module without any."""

    name: str
    path: str
    is_package: bool
    pieces: list[Piece] = field(default_factory=list)
    loads: list[Import] = field(default_factory=list)
    future: str = ""

    @property
    def package(self) -> str:
        """The package to which its relative imports are relative."""
        return self.name if self.is_package else self.name.rpartition(".")[0]

    @cached_property
    def bound(self) -> dict[str, list[Piece]]:
        """The pieces that bind each name."""
        bound: dict[str, list[Piece]] = {}
        for piece in self.pieces:
            for name in piece.names:
                bound.setdefault(name, []).append(piece)
        return bound


@dataclass(eq=False)
class Piece:
    """One top-level statement, or one name of a top-level import."""

    home: Module
    tree: ast.stmt

    @property
    def is_import(self) -> bool:
        """Whether it only binds a name to something from elsewhere."""
        return isinstance(self.tree, ast.Import | ast.ImportFrom)

    @cached_property
    def names(self) -> frozenset[str]:
        """What it binds in its module."""
        if isinstance(self.tree, DEFINITIONS):  # the usual case, for which nothing has to be read
            return frozenset({self.tree.name})
        return frozenset(name for name, _ in bound_by_import(self.tree, "")) or self._facts.bound

    @cached_property
    def text(self) -> str:
        """The code, in one fixed layout."""
        return ast.unparse(self.tree)

    @cached_property
    def _facts(self) -> Facts:
        return read(self.tree)

    @property
    def mentions(self) -> frozenset[Chain]:
        """The names that it uses and that are not local to a function inside, with the attributes taken of them."""
        return self._facts.mentions

    @cached_property
    def imports(self) -> dict[str, list[Import]]:
        """What import statements anywhere inside bind, those of functions too."""
        bound: dict[str, list[Import]] = {}
        for node in self._facts.noted:
            for name, target in bound_by_import(node, self.home.package):
                bound.setdefault(name, []).append(target)
        return bound

    @cached_property
    def loads(self) -> list[Import]:
        """What is loaded once all of it has been executed."""
        return [target for node in self._facts.noted for target in loaded_by(node, self.home.package)]

    @cached_property
    def asked_for(self) -> list[Import]:
        """Modules that it loads by a call of ``import_module``, to use them nobody knows how."""
        calls = [node for node in self._facts.noted if isinstance(node, ast.Call)]
        return [target for node in calls for target in loaded_by(node, self.home.package)]

    @cached_property
    def effects(self) -> list[Effect]:
        """What it does beyond binding names while its module is loaded."""
        return list(_effects(self.tree))

    @cached_property
    def stores(self) -> frozenset[Chain]:
        """What it changes, anywhere inside: that of which it sets an attribute or item, and the names that it declares global."""
        declared = {(name,) for node in self._facts.noted if isinstance(node, ast.Global) for name in node.names}
        return frozenset(declared.union(*(changed(node) for node in self._facts.noted)))

    @cached_property
    def calls(self) -> frozenset[Chain]:
        """The objects of which it calls a method, anywhere inside."""
        nodes = [node.func for node in self._facts.noted if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
        return frozenset(chain for node in nodes if (chain := root(node)))

    @cached_property
    def commands(self) -> frozenset[Chain]:
        """What it calls for the effect alone, anywhere inside."""
        nodes = [node.value for node in self._facts.noted if isinstance(node, ast.Expr)]
        return frozenset(chain for node in nodes if (chain := root(node)))

    @cached_property
    def value(self) -> ast.expr | None:
        """What it assigns, if it is an assignment."""
        return self.tree.value if isinstance(self.tree, ast.Assign | ast.AnnAssign | ast.AugAssign) else None


def read_module(tree: ast.Module, name: str, path: str = "", is_package: bool = False) -> Module:
    """A module from its syntax tree, which is changed: docstrings and what only type checkers read are taken out."""
    module = Module(name, path, is_package)
    strip(tree)
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            module.future += ast.unparse(node) + "\n"
            continue
        module.pieces += [Piece(module, one) for one in _one_name_each(node)]
        module.loads += [target for inner in executed_at_once(node) for target in loaded_by(inner, module.package)]
    return module


def _one_name_each(node: ast.stmt) -> list[ast.stmt]:
    """An import as one statement for each name, so that another name in the same line changes nothing."""
    if isinstance(node, ast.Import):
        return [ast.Import([name]) for name in node.names]
    if isinstance(node, ast.ImportFrom):
        return [ast.ImportFrom(node.module, [name], node.level) for name in node.names]
    return [node]


def _effects(node: ast.AST) -> Iterator[Effect]:
    """What a node does while its module is loaded; the bodies of functions do nothing yet."""
    if isinstance(node, DEFINITIONS):
        yield from (Effect("decorates", _roots(decorator), _given(decorator)) for decorator in node.decorator_list)
        if isinstance(node, ast.ClassDef):
            bases = [*node.bases, *(keyword.value for keyword in node.keywords)]
            yield Effect("inherits", tuple(chain for base in bases for chain in _roots(base)))
            yield from (effect for inner in node.body for effect in _effects(inner))
    elif isinstance(node, ast.Expr):
        if not isinstance(node.value, ast.Constant):  # as it stands in an empty class
            yield Effect("commands", _roots(node.value), _given(node.value))
    elif isinstance(node, ast.expr):
        inside = executed_at_once(node)
        calls = [inner for inner in inside if isinstance(inner, ast.Call)]
        yield from (Effect("commands" if calls else "sets", (chain,)) for inner in inside for chain in changed(inner))
        yield from (Effect("makes", _roots(call)) for call in calls)
    elif not isinstance(node, ast.Import | ast.ImportFrom):
        yield from (Effect("sets", (chain,)) for chain in changed(node))
        yield from (effect for child in children(node) for effect in _effects(child))


def _roots(node: ast.expr) -> tuple[Chain, ...]:
    """With what an expression begins, or all calls in it if it begins with no name."""
    whole = root(node)
    calls = [inner.func for inner in executed_at_once(node) if isinstance(inner, ast.Call)]
    return (whole,) if whole else tuple(chain for call in calls if (chain := root(call)))


def _given(node: ast.expr) -> tuple[Chain, ...]:
    """All that a call is given."""
    calls = [inner for inner in executed_at_once(node) if isinstance(inner, ast.Call)]
    arguments = [value for call in calls for value in (*call.args, *(keyword.value for keyword in call.keywords))]
    return tuple(chain for value in arguments for chain in read(value).mentions)
