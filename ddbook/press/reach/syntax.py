"""What can be read off a syntax tree: the names that it binds and mentions, what it imports, and what it changes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

Chain = tuple[str, ...]
"""Names joined by dots, as in ``figures.FLOOR``."""
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
NOTED = (ast.Import, ast.ImportFrom, ast.Call, ast.Expr, ast.Global, ast.AugAssign, ast.Attribute, ast.Subscript)
"""The nodes by which code loads, commands or changes something."""


LOADERS = ("import_module", "__import__")
BLIND = {"exec", "eval", "globals", "__dict__", "__subclasses__", "resolve_name"}
"""Names by which code gets hold of what it does not mention."""


class Import(NamedTuple):
    """What an import binds a name to: a module, or a name of one, which may be a module itself; ``*`` is all its names."""

    module: str
    name: str | None = None


class Facts(NamedTuple):
    """What stands anywhere in a piece of code.

    Attributes:
        bound: the names that it binds where it stands.
        mentions: the names that it uses and that are not local to a function inside, with the attributes taken of them.
        noted: its nodes that load, command or change something.
    """

    bound: frozenset[str]
    mentions: frozenset[Chain]
    noted: Sequence[ast.AST]


class Scope:
    """Where names hold: a function, a comprehension, a class, or the place where a piece of code stands.

    Args:
        outer: the scope around it.
        bound: names that it binds from the start.
        keeps: whether its names mean nothing outside, and hold in the functions inside; those of a class do not.
    """

    def __init__(self, outer: Scope | None = None, bound: Iterable[str] = (), keeps: bool = True) -> None:
        self.bound = set(bound)
        self.followed: set[str] = set()
        self.used: set[Chain] = set()
        self._outer, self._keeps = outer, keeps

    def note(self, node: ast.AST) -> None:
        """Take note of the names that a node binds or uses, unless it is no more than a chain of names."""
        if isinstance(node, DEFINITIONS):
            self.bound.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            self.followed.update(name for name, _ in bound_by_import(node, ""))
        elif isinstance(node, ast.Global):
            self.followed.update(node.names)
            self.used.update((name,) for name in node.names)
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            self.bound.add(node.name)
        elif isinstance(node, ast.MatchMapping) and node.rest:
            self.bound.add(node.rest)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "@" in node.value:
            self.used.update((name,) for name in re.findall(r"@(\w+)", node.value))  # how a query of pandas takes a name from here

    @cached_property
    def local(self) -> set[str]:
        """The names that mean nothing outside, once all are noted; what it imports or declares global is to be followed."""
        if self._outer is None:
            return set()
        return (self._outer.local | self.bound if self._keeps else self._outer.local) - self.followed

    def mentions(self) -> set[Chain]:
        """What it uses from outside."""
        return {chain for chain in self.used if chain[0] not in self.local}


def read(tree: ast.AST) -> Facts:
    """All about a piece of code, in one go through its syntax tree."""
    top = Scope()
    scopes, noted = [top], []
    todo: list[tuple[ast.AST, Scope]] = [(tree, top)]
    while todo:
        node, scope = todo.pop()
        if isinstance(node, NOTED):
            noted.append(node)
        chain = dotted(node) if isinstance(node, ast.Name | ast.Attribute) else None
        if chain and isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            scope.bound.add(node.id)
        elif chain:
            scope.used.add(chain)
        else:
            scope.note(node)
            inner = scope
            if isinstance(node, (*FUNCTIONS, *COMPREHENSIONS, ast.ClassDef)):
                inner = Scope(scope, _arguments(node), keeps=not isinstance(node, ast.ClassDef))
                scopes.append(inner)
            around = outside(node) if inner is not scope else []
            todo += [(child, scope) for child in around]
            todo += [(child, inner) for child in children(node) if child not in around]
    return Facts(frozenset(top.bound | top.followed), frozenset().union(*(scope.mentions() for scope in scopes)), noted)


def outside(node: ast.AST) -> list[ast.AST]:
    """What of a function, class or comprehension is executed where it stands, such as decorators, defaults and annotations."""
    if isinstance(node, COMPREHENSIONS):  # what it goes through first is also visited inside, which does no harm
        return [node.generators[0].iter]
    body = getattr(node, "body", [])
    return [child for child in children(node) if child is not body and not (isinstance(body, list) and child in body)]


def _arguments(node: ast.AST) -> set[str]:
    if not isinstance(node, FUNCTIONS):
        return set()
    given = node.args
    named = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    return {argument.arg for argument in named if argument}


def children(node: ast.AST) -> list[ast.AST]:
    """The nodes right below a node, without those that say only how a name is used or which operator stands there."""
    below: list[ast.AST] = []
    for name in node._fields:
        value = getattr(node, name, None)
        if isinstance(value, list):
            below += [one for one in value if isinstance(one, ast.AST)]
        elif isinstance(value, ast.AST) and not isinstance(value, ast.expr_context | ast.operator):
            below.append(value)
    return below


def executed_at_once(node: ast.AST) -> list[ast.AST]:
    """A node and those below it, without the bodies of functions."""
    nodes = [node]
    for one in nodes:  # which grows
        nodes += outside(one) if isinstance(one, FUNCTIONS) else children(one)
    return nodes


def dotted(node: ast.AST | None) -> Chain | None:
    """``a.b.c`` as a chain; None for anything else."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return (node.id, *reversed(names)) if isinstance(node, ast.Name) else None


def root(node: ast.AST) -> Chain | None:
    """The chain with which an expression begins: ``table`` for ``table["a"].append(thing)``; None if it begins with none."""
    while not dotted(node):
        if isinstance(node, ast.Attribute | ast.Subscript | ast.Await | ast.Starred):
            node = node.value
        elif isinstance(node, ast.Call):
            node = node.func
        else:
            return None
    return dotted(node)


def changed(node: ast.AST) -> set[Chain]:
    """That of which a node sets or deletes an attribute or item, or that it augments."""
    if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
        return {chain} if (chain := root(node)) else set()
    return {(node.target.id,)} if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name) else set()


def bound_by_import(node: ast.AST, package: str) -> Iterator[tuple[str, Import]]:
    """The names that an import statement binds; nothing for other nodes."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            first = alias.name.split(".")[0]
            yield (alias.asname, Import(alias.name)) if alias.asname else (first, Import(first))
    elif isinstance(node, ast.ImportFrom):
        for alias in node.names:
            yield alias.asname or alias.name, Import(absolute(node.module or "", node.level, package), alias.name)


def loaded_by(node: ast.AST, package: str) -> Iterator[Import]:
    """What an import statement, or a call of ``import_module`` with a constant, loads; nothing for other nodes."""
    if isinstance(node, ast.Import):
        yield from (Import(alias.name) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield from (target for _, target in bound_by_import(node, package))
    elif isinstance(node, ast.Call) and node.args and (root(node.func) or ("",))[-1] in LOADERS:
        name = node.args[0].value if isinstance(node.args[0], ast.Constant) else None
        if isinstance(name, str):
            yield Import(absolute(name.lstrip("."), len(name) - len(name.lstrip(".")), package))


def looks_up(node: ast.AST, package: str) -> bool:
    """Whether it cannot be read off a node what it gets hold of: a module by a computed name, or code made from text."""
    if isinstance(node, ast.Attribute | ast.Name):
        return (node.attr if isinstance(node, ast.Attribute) else node.id) in BLIND or dotted(node) == ("sys", "modules")
    if isinstance(node, ast.ImportFrom):
        return any(
            alias.name in {*LOADERS, *BLIND} if alias.asname else (node.module, alias.name) == ("sys", "modules")
            for alias in node.names
        )
    called = isinstance(node, ast.Call) and (root(node.func) or ("",))[-1] in LOADERS
    return called and not list(loaded_by(node, package))


def absolute(module: str, level: int, package: str) -> str:
    """The full name of a module that is named relative to a package by ``level`` dots."""
    if not level:
        return module
    parents = package.split(".")[: len(package.split(".")) + 1 - level]
    return ".".join([*parents, module] if module else parents)
