"""The house: imports run one way, files are small, and each module of the library says what it needs."""

import ast
import os
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


LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"


def contracts(folder: Path) -> int:
    """The exit status of `lint-imports` with the project's contracts."""
    return lint_imports(config_filename=str(folder / "pyproject.toml"), no_cache=True)


def test_imports_run_one_way():
    assert contracts(ROOT) == EXIT_STATUS_SUCCESS


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("ddbook/chapters/five/__init__.py", "import ddbook.chapters.digits"),
        ("ddbook/chapters/merge/__init__.py", "import ddbook.chapters.digits"),
        ("ddbook/chapters/merge/new/__init__.py", "import ddbook.chapters.merge.limit"),
        ("ddbook/chapters/tails/new/__init__.py", "import ddbook.chapters.tails.published"),
        ("ddlib/dbn/model/new.py", "import ddlib.dbn.pgmpy_bridge"),
        ("ddlib/pinn/data/new.py", "import ddlib.pinn.deepxde_bridge"),
    ],
)
def test_an_import_the_other_way_is_found(tmp_path, path, code):
    """In a copy whose packages are empty: a new chapter and a new file are under the contracts from their first day."""
    for kept in [*FILES, ROOT / path]:
        copy = tmp_path / kept.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.touch()
        if copy.with_suffix("").is_dir() and copy.name != "__init__.py":
            copy.unlink()
    for folder in {parent for kept in (tmp_path).rglob("*.py") for parent in kept.parents if tmp_path in parent.parents}:
        (folder / "__init__.py").touch()
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    command = [sys.executable, "-c", LINT]
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    assert subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True).returncode == 0
    (tmp_path / path).write_text(code, encoding="utf-8")
    assert subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True).returncode == 1


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_are_small(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


CLONE = {"ddbook", "tests", "benchmarks"}
"""What stands beside the library in a clone, and is not there for whoever installs it."""


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
    """The top-level modules of every distribution that is installed here and not allowed, and all of the clone but the library."""
    return sorted(CLONE) + sorted(
        name
        for name, owners in packages_distributions().items()
        if not {owner.lower().replace("_", "-") for owner in owners} & {*allowed, "ddlib", "setuptools", "pip"}
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
    for absent in ("pandas", *CLONE):
        assert f"No module named '{absent}'" in imported_with(PROJECT["dependencies"], absent).stderr


def test_the_study_lists_all_its_packages():
    listed = tomllib.loads((ROOT / "ddbook" / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
    there = {".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "ddbook").rglob("__init__.py")}
    assert set(listed) == there


def test_every_folder_with_code_is_a_package():
    for path in FILES:
        assert (path.parent / "__init__.py").exists(), path.parent


def test_nothing_in_the_library_speaks_of_chapters():
    """A library that knows its study's chapters is no library; why a module is here is said without them."""
    names = re.compile(r"\bddbook\b|(?<!1974, )\bchapters? \d", re.IGNORECASE)  # Lawson and Hanson's book has chapters too
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


def test_neither_library_nor_study_knows_the_rest_of_the_clone():
    assert [path for path in FILES if {name.split(".")[0] for name in imports(path)} & {"tests", "benchmarks"}] == []


def by_name(code: str) -> list[str]:
    """The modules of the clone that a piece of code imports by name, past the contracts, f-strings included."""
    calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    words = {"needed", "import_module", "__import__"}
    loads = [c for c in calls if (c.func.attr if isinstance(c.func, ast.Attribute) else getattr(c.func, "id", "")) in words]
    given = [[*call.args, *(word.value for word in call.keywords)][:1] for call in loads]
    names = [ast.unparse(first).removeprefix("f").strip("'\"") for arguments in given for first in arguments]
    return [name for name in names if name.split(".")[0] in {"ddlib", *CLONE}]


def test_no_module_of_the_clone_is_imported_by_name():
    """Only what the contracts see is imported; these two hand on what they are asked for."""
    known = {"ddlib/__init__.py": ["ddlib.problem"], "ddbook/press/library.py": ["ddlib.{part}"]}
    found = {path.relative_to(ROOT).as_posix(): by_name(path.read_text(encoding="utf-8")) for path in FILES}
    assert {path: names for path, names in found.items() if names} == known
    assert by_name("needed('ddlib.dbn', 'x'); importlib.import_module(f'ddbook.{part}'); needed('pandas', 'data')") == [
        "ddlib.dbn",
        "ddbook.{part}",
    ]


@pytest.mark.parametrize("path", TESTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_tests_share_worlds_and_those_of_the_library_do_not_know_the_study(path):
    modules = {tuple(name.split(".")) for name in imports(path)}
    assert not {name for name in modules if any(part.startswith("test_") for part in name)}, "shared helpers belong to a world"
    if path.is_relative_to(ROOT / "tests" / "ddlib"):
        assert not {name for name in modules if "ddbook" in name}, "what tests the study belongs to tests/ddbook"
