"""The house: imports run one way, files are small, and each module of the library says what it needs."""

import ast
import pkgutil
import re
import subprocess
import sys
import tomllib
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports
from packaging.requirements import Requirement

import ddlib
from tests import ROOT

FILES = sorted(path for room in ("ddlib", "ddbook") for path in (ROOT / room).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def contracts(folder: Path) -> int:
    """The exit status of `lint-imports` with the project's contracts."""
    return lint_imports(config_filename=str(folder / "pyproject.toml"), no_cache=True)


def test_imports_run_one_way():
    assert contracts(ROOT) == EXIT_STATUS_SUCCESS


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_are_small(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


def closure(names):
    """The distributions that installing some requirements brings, by what is installed here."""
    seen, waiting = set(), [Requirement(name) for name in names]
    while waiting:
        wanted = waiting.pop()
        key = (wanted.name.lower().replace("_", "-"), *sorted(wanted.extras))
        if key in seen or key[0] == "ddlib":
            continue
        seen.add(key)
        for text in distribution(wanted.name).requires or []:
            inner = Requirement(text)
            if inner.marker is None or any(inner.marker.evaluate({"extra": extra}) for extra in (*wanted.extras, "")):
                waiting.append(inner)
    return {key[0] for key in seen}


def missing(allowed):
    """The top-level modules of every distribution that is installed here and not allowed."""
    return sorted(
        name
        for name, owners in packages_distributions().items()
        if not {owner.lower().replace("_", "-") for owner in owners} & {*allowed, "ddlib", "ddbook", "setuptools", "pip"}
    )


IMPORTS = """
import importlib, sys

class Only:
    'Finds what the finders of this interpreter find, but for some packages: as if these were not installed.'

    def __init__(self, finders):
        self.finders = finders

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {missing}:
            return None
        found = (finder.find_spec(name, path, target) for finder in self.finders if hasattr(finder, "find_spec"))
        return next((spec for spec in found if spec is not None), None)

    def find_distributions(self, *words):
        able = [finder for finder in self.finders if hasattr(finder, "find_distributions")]
        return (one for finder in able for one in finder.find_distributions(*words))

sys.meta_path[:] = [Only(list(sys.meta_path))]
for name in sys.argv[1:]:
    importlib.import_module(name)
"""


def modules():
    return [module.name for module in pkgutil.walk_packages(ddlib.__path__, "ddlib.")]


def imported_with(requirements, *names):
    done = [sys.executable, "-c", IMPORTS.format(missing=missing(closure(requirements))), *names]
    return subprocess.run(done, capture_output=True, text=True, cwd=ROOT)


def test_every_module_imports_with_what_the_library_declares():
    """Extras are for what a module does, not for importing it."""
    names = modules()
    assert len(names) > 100
    done = imported_with(PROJECT["dependencies"], *names)
    assert done.returncode == 0, done.stderr
    assert "No module named 'pandas'" in imported_with(PROJECT["dependencies"], "pandas").stderr


def test_the_study_lists_all_its_packages():
    listed = tomllib.loads((ROOT / "ddbook" / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
    there = {".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "ddbook").rglob("__init__.py")}
    assert set(listed) == there


def test_every_folder_with_code_is_a_package():
    for path in FILES:
        assert (path.parent / "__init__.py").exists(), path.parent


def test_nothing_in_the_library_speaks_of_chapters():
    """A library that knows its study's chapters is no library; why a module is here is said without them."""
    names = re.compile(r"\bddbook\b")
    assert [path for path in FILES if path.is_relative_to(ROOT / "ddlib") and names.search(path.read_text(encoding="utf-8"))] == [
        ROOT / "ddlib" / "cli.py"  # which sends to the study whoever looks for it here
    ]


def imports(path: Path) -> set[str]:
    """All that a file imports anywhere in it: modules and, since they may be modules too, names in modules."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            found |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    return found


@pytest.mark.parametrize("path", TESTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_tests_share_worlds_and_those_of_the_library_do_not_know_the_study(path):
    modules = {tuple(name.split(".")) for name in imports(path)}
    assert not {name for name in modules if any(part.startswith("test_") for part in name)}, "shared helpers belong to a world"
    if path.is_relative_to(ROOT / "tests" / "ddlib"):
        assert not {name for name in modules if "ddbook" in name}, "what tests the study belongs to tests/ddbook"
