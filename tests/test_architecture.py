"""Imports run one way, and the library stays in small files."""

import ast
from pathlib import Path

import pytest

import ddlib

PACKAGE = Path(ddlib.__file__).parent
LEVEL = {
    "problem": 0,
    "learners": 1,
    "tasks": 2,
    "methods": 3,
    "lens": 4,
    "transfer": 4,
    "digits": 5,
    "linear_world": 5,
    "dbn": 5,
    "pinn": 5,
    "study": 6,
}
ALONE = {"datasets", "plotting", "statistics"}  # import nothing of ours, and anything may import them
FILES = sorted(PACKAGE.rglob("*.py"))


def room(path):
    """The part of ddlib that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path):
    """The parts of ddlib that a file imports, those for type checkers only included."""
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module] if node.module != "ddlib" else [f"ddlib.{alias.name}" for alias in node.names]
        for name in names:
            if name.startswith("ddlib."):
                yield name.split(".")[1]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_one_way(path):
    here = room(path)
    if here == "__init__":
        return
    for other in set(imported(path)) - {here}:
        assert here not in ALONE, f"{path} imports ddlib.{other}"
        assert other in ALONE or LEVEL[other] < LEVEL[here], f"{path} in {here} imports ddlib.{other}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_are_small(path):
    assert len(path.read_text().splitlines()) <= 300
