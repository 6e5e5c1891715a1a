"""Which pieces of the project's code a piece of code reaches: the key of a run changes when, and only when, these change.

Read off the syntax trees, nothing is imported. A piece is one top-level statement; from each, the names that it mentions lead on,
through imports and re-exports, to where they are defined. What the loading of a module does beyond defining names counts as well:
for everybody who loads the module if it changes something outside the project, and otherwise for those who reach what it changes,
such as the table in which it enters something.
"""

from __future__ import annotations

import ast
import contextlib
import gc
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ddbook.press.reach.names import Names, is_variable
from ddbook.press.reach.pieces import Module, Piece, read_module
from ddbook.press.reach.plain import parse_cell
from ddbook.press.reach.syntax import Import, looks_up
from ddlib.files import InputError


class Code:
    """The code of the packages in a folder, parsed where something reaches it, and only once.

    Args:
        root: the folder that holds the packages.
        rooms: the packages; what they import from elsewhere is not followed.
    """

    def __init__(self, root: Path, rooms: Sequence[str] = ("ddlib", "ddbook")) -> None:
        self._root = root
        self._names = Names(root, rooms)

    def reached_by_cells(self, cells: Sequence[str]) -> dict[str, str]:
        """The files that the code cells of a notebook reach.

        Returns:
            For each file, relative to the root, 16 hexadecimal digits over the pieces of it that are reached.

        Raises:
            InputError: if a cell, or a file that is loaded, is not Python.
        """
        return self._digests(self.pieces_reached_by_cells(cells))

    def reached_by(self, module: str, name: str) -> dict[str, str]:
        """The files that a top-level name reaches, its own among them, as for cells.

        Args:
            module: the full name of its module.
            name: a name in it; a method stands for its class.

        Raises:
            InputError: if there is no such name, or a file that is loaded is not Python.
        """
        home = self._names.module(module)
        pieces = self._names.meaning(home, (name.split(".")[0],)) if home else frozenset()
        if not pieces:
            raise InputError(f"{module} under {self._root} has no {name}: give a module and a name at its top level")
        return self._digests(self._reached(pieces))

    def pieces_reached_by_cells(self, cells: Sequence[str]) -> dict[Module, set[Piece]]:
        """The pieces that the code cells of a notebook reach, by module; all if a cell looks something up by a computed name."""
        body = [node for cell in cells for node in parse_cell(cell).body]
        blind = any(looks_up(node, "") for statement in body for node in ast.walk(statement))
        notebook = read_module(ast.Module(body, []), "")
        pieces = self._reached([*notebook.pieces, *(self._names.everything() if blind else ())])
        pieces.pop(notebook, None)
        return pieces

    def _reached(self, start: Iterable[Piece]) -> dict[Module, set[Piece]]:
        by_module: dict[Module, set[Piece]] = {}
        with _no_collection():
            for piece in _Search(self._names).run(start):
                by_module.setdefault(piece.home, set()).add(piece)
        return by_module

    def _digests(self, reached: dict[Module, set[Piece]]) -> dict[str, str]:
        return {module.path: self._digest(module, reached[module]) for module in sorted(reached, key=lambda one: one.path)}

    def _digest(self, module: Module, reached: set[Piece]) -> str:
        """Definitions, constants and imports in any order; what depends on its place in the file in the file's order."""
        pieces = [piece for piece in module.pieces if piece in reached]
        placed = [piece for piece in pieces if not piece.is_import and self._is_placed(piece)]
        free = sorted({piece.text for piece in pieces if piece not in placed})
        lines = [module.future, *free, "", *(piece.text for piece in placed)]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]

    def _is_placed(self, piece: Piece) -> bool:
        """Whether it may count what was executed before: all but plain definitions and constants that are bound once."""
        again = any(len(piece.home.bound[name]) > 1 for name in piece.names)
        return again or self._names.audience(piece) != frozenset() or is_variable(piece)


class _Search:
    """What is reached from some pieces: what they mention, and what the loading of modules does to what is reached."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._pieces: set[Piece] = set()
        self._loaded: set[Module] = set()
        self._todo: list[Piece] = []
        self._waiting: dict[Piece, list[Piece]] = {}

    def run(self, start: Iterable[Piece]) -> set[Piece]:
        """All pieces that are reached from some."""
        self._todo = list(start)
        while self._todo:
            piece = self._todo.pop()
            if piece not in self._pieces:
                self._pieces.add(piece)
                self._todo += [*self._names.references(piece), *self._waiting.pop(piece, ())]
                self._load(self._names.loaded([Import(piece.home.name), *piece.loads]))
        return self._pieces

    def _load(self, modules: set[Module]) -> None:
        while modules:
            module = modules.pop()
            if module not in self._loaded:
                self._loaded.add(module)
                modules |= self._names.loaded(module.loads)
                for piece in module.pieces:
                    self._execute(piece)

    def _execute(self, piece: Piece) -> None:
        """Reach a piece now, or as soon as what it does concerns what is reached."""
        audience = self._names.audience(piece)
        if audience is None or audience & self._pieces:
            self._todo.append(piece)
        else:
            for one in audience:
                self._waiting.setdefault(one, []).append(piece)


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Without garbage collection, which would go through all syntax trees again and again and find nothing: a fifth of the time."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()
