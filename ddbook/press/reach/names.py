"""What names mean: from a name in a module, through imports and re-exports, to the pieces of code that define it.

Where it cannot be known what happens, more is taken for reached rather than less.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from pathlib import Path

from ddbook.press.reach.pieces import Effect, Module, Piece, read_module
from ddbook.press.reach.plain import parse
from ddbook.press.reach.syntax import DEFINITIONS, Chain, Import, dotted

Visited = set[tuple[Module, Chain]]
LITERALS = (ast.Constant, ast.Tuple, ast.UnaryOp, ast.BinOp, ast.unaryop, ast.operator, ast.expr_context)
"""What a value that nobody can change is made of."""


class Names:
    """The names of the packages in a folder; modules are parsed where they are asked for, and what was found out is kept."""

    def __init__(self, root: Path, rooms: Sequence[str]) -> None:
        self._root, self._rooms = root, frozenset(rooms)
        self._modules: dict[str, Module | None] = {}
        self._loads: dict[Import, list[Module]] = {}
        self._meanings: dict[tuple[Module, Chain], frozenset[Piece]] = {}
        self._references: dict[Piece, frozenset[Piece]] = {}
        self._audiences: dict[Piece, frozenset[Piece] | None] = {}

    def module(self, name: str) -> Module | None:
        """A module of the project by its full name; None for all others.

        Raises:
            InputError: if its file is not Python.
        """
        if name not in self._modules:
            self._modules[name] = self._read(name) if name.split(".")[0] in self._rooms else None
        return self._modules[name]

    def _read(self, name: str) -> Module | None:
        place = self._root.joinpath(*name.split("."))
        for path in (place / "__init__.py", place.with_name(f"{place.name}.py")):
            if path.is_file():
                return read_module(parse(path), name, path.relative_to(self._root).as_posix(), path.name == "__init__.py")
        return Module(name, "", is_package=True) if place.is_dir() else None

    def everything(self) -> set[Piece]:
        """All pieces of all modules."""
        paths = [path.relative_to(self._root) for room in self._rooms for path in (self._root / room).rglob("[!.]*.py")]
        names = [".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in paths]
        return {piece for module in map(self.module, names) if module for piece in module.pieces}

    def loaded(self, imports: Iterable[Import]) -> set[Module]:
        """The modules of the project that imports load, and the packages in which these are."""
        return set().union(*(self._loaded_with(target) for target in imports))

    def _loaded_with(self, target: Import) -> list[Module]:
        if target not in self._loads:
            paths = [name.split(".") for name in (target.module, f"{target.module}.{target.name}")]
            names = [".".join(path[: i + 1]) for path in paths for i in range(len(path)) if path[0] in self._rooms]
            self._loads[target] = [module for module in map(self.module, names) if module]
        return self._loads[target]

    def meaning(self, home: Module, chain: Chain) -> frozenset[Piece]:
        """The pieces that a chain of names leads to, read in a module: imports on the way, and the definitions at its end."""
        if (home, chain) not in self._meanings:
            self._meanings[home, chain] = frozenset(self._led(home, chain, set()))
        return self._meanings[home, chain]

    def _led(self, home: Module, chain: Chain, visited: Visited) -> set[Piece]:
        if (home, chain) in visited:  # imports in a circle
            return set()
        visited.add((home, chain))
        name, rest = chain[0], chain[1:]
        binding = home.bound.get(name, [])
        targets = [target for piece in binding for target in piece.imports.get(name, [])]
        inner = f"{home.name}.{name}"
        if home.is_package and all(target.module != inner for target in targets):  # else the name stands for what it imports
            targets.append(Import(inner))
        pieces = {*binding}.union(*(self._imported(target, rest, visited) for target in targets))
        return pieces if binding else pieces | self._offered(home, chain, visited)

    def _offered(self, home: Module, chain: Chain, visited: Visited) -> set[Piece]:
        """What a module hands on without binding it: by a star import, or by a function ``__getattr__``."""
        handing = [(piece, piece.imports["*"]) for piece in home.bound.get("*", [])]
        if chain[0] != "__getattr__":
            handing += [(piece, piece.asked_for) for piece in home.bound.get("__getattr__", [])]
        pieces = {piece for piece, _ in handing}
        return pieces.union(*(self._imported(Import(t.module), chain, visited) for _, targets in handing for t in targets))

    def _imported(self, target: Import, rest: Chain, visited: Visited) -> set[Piece]:
        """What an import and the attributes taken of it lead to; a module of which none is taken may be used in any way."""
        module = self.module(target.module)
        if module is None:
            return set()
        chain = rest if target.name in (None, "*") else (target.name, *rest)
        return self._led(module, chain, visited) if chain else self._whole(module, visited)

    def _whole(self, module: Module, visited: Visited) -> set[Piece]:
        """All that a module offers by name."""
        if (module, ()) in visited:
            return set()
        visited.add((module, ()))
        pieces = set(module.pieces)
        for piece in module.pieces:
            for target in (target for targets in piece.imports.values() if piece.is_import for target in targets):
                whole = target.name is None or self.module(f"{target.module}.{target.name}")
                if module.is_package or not whole:  # a package offers its modules too
                    pieces |= self._imported(target, (), visited)
        for lazy in module.bound.get("__getattr__", []):
            pieces = pieces.union(*(self._imported(target, (), visited) for target in lazy.asked_for))
        return pieces

    def references(self, piece: Piece) -> frozenset[Piece]:
        """What a piece mentions anywhere inside, and whole modules that it asks for with ``import_module``."""
        if piece not in self._references:
            found: set[Piece] = set()
            for chain in piece.mentions:
                found |= self._read_in(piece, chain)
            if "__getattr__" not in piece.names:  # which asks for the one name that is wanted
                found = found.union(*(self._imported(target, (), set()) for target in piece.asked_for))
            self._references[piece] = frozenset(found - {piece})
        return self._references[piece]

    def _read_in(self, piece: Piece, chain: Chain) -> frozenset[Piece]:
        """What a chain means inside a piece, which may have imports of its own."""
        own = [] if piece.is_import else piece.imports.get(chain[0], [])
        return self.meaning(piece.home, chain).union(*(self._imported(target, chain[1:], set()) for target in own))

    def audience(self, piece: Piece) -> frozenset[Piece] | None:
        """Whom it concerns that a piece is executed when its module is loaded: who reaches any of these; None for everybody."""
        if piece not in self._audiences:
            found = [self._concerned(piece, effect) for effect in piece.effects]
            everybody = any(concerned is None for concerned in found)
            self._audiences[piece] = None if everybody else frozenset().union(*(one for one in found if one)) - {piece}
        return self._audiences[piece]

    def _concerned(self, piece: Piece, effect: Effect) -> frozenset[Piece] | None:
        roots = [self._things(piece, chain) for chain in effect.roots]
        alone = effect.kind in ("sets", "commands")
        if alone and not (roots and all(roots)):
            return None
        things = frozenset[Piece]().union(*roots)
        if effect.kind == "inherits" and not self._notices_heirs(piece):
            return frozenset()
        if piece in things:  # a name of its own stands for something else, as in a loop over tables
            things |= {other for other in self.references(piece) if not other.is_import}
        variables = frozenset(one for one in things if is_variable(one))
        inside = self._closure(variables if effect.kind == "sets" else things)
        if alone and any(self._reaches_out(one) for one in inside):
            return None
        changed = {one for inner in inside for chain in inner.stores for one in self._things(inner, chain)}
        changed |= {one for inner in inside for chain in inner.calls for one in self._things(inner, chain) if is_variable(one)}
        if effect.kind == "makes":
            return variables | changed
        given = {one for chain in effect.arguments for one in self._things(piece, chain) if is_variable(one)}
        return things | changed | given | {one for one in inside if is_variable(one)}

    def _things(self, piece: Piece, chain: Chain) -> frozenset[Piece]:
        """The project's own objects that a chain means inside a piece: no imports, and no other names for what is not its own."""
        return frozenset(one for one in self._read_in(piece, chain) if not one.is_import and not self._is_borrowed(one))

    def _is_borrowed(self, piece: Piece) -> bool:
        chain = dotted(piece.value) if piece.value else None
        return chain is not None and all(one.is_import for one in self.meaning(piece.home, chain))

    def _reaches_out(self, piece: Piece) -> bool:
        """Whether a piece has a command for, or changes, something from outside the project."""
        for chain in piece.commands | piece.stores:
            meant = self._read_in(piece, chain)
            inner = any(self.module(target.module) is None for target in piece.imports.get(chain[0], []))
            if (meant or inner) and all(one.is_import for one in meant):
                return True
        return False

    def _notices_heirs(self, heir: Piece) -> bool:
        """Whether a class from which another inherits, or a metaclass of the project, has a say in what inherits from it."""
        known, todo = set[Piece](), [heir]
        while todo:
            one = todo.pop()
            if one not in known and isinstance(one.tree, ast.ClassDef):
                known.add(one)
                metaclasses = [dotted(keyword.value) for keyword in one.tree.keywords if keyword.arg == "metaclass"]
                hooks = [
                    inner for inner in one.tree.body if isinstance(inner, ast.FunctionDef) and inner.name == "__init_subclass__"
                ]
                if hooks or any(self._things(one, chain) for chain in metaclasses if chain):
                    return True
                bases = [chain for effect in one.effects if effect.kind == "inherits" for chain in effect.roots]
                todo += [base for chain in bases for base in self._things(one, chain)]
        return False

    def _closure(self, start: Iterable[Piece]) -> set[Piece]:
        found, todo = set(), list(start)
        while todo:
            piece = todo.pop()
            if piece not in found:
                found.add(piece)
                todo += self.references(piece)
        return found


def is_variable(piece: Piece) -> bool:
    """Whether a piece makes an object that may be changed later."""
    if piece.is_import or isinstance(piece.tree, DEFINITIONS):
        return False
    return piece.value is None or not all(isinstance(node, LITERALS) for node in ast.walk(piece.value))
