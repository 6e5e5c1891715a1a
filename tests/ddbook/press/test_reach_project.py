"""The reach of this project's own notebooks: it holds all that they really call, and little else."""

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from ddbook.press.profiles import chapters
from ddbook.press.reach import Code
from tests import ROOT

CHAPTERS = chapters(ROOT / "notebooks")
ROOMS = ("ddlib", "ddbook")


def cells(notebook):
    return [cell.source for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == "code"]


def reach(root):
    code = Code(root)
    return {notebook.stem: code.reached_by_cells(cells(notebook)) for notebook in CHAPTERS}


@pytest.fixture(scope="module")
def before():
    return reach(ROOT)


@pytest.fixture
def copy(tmp_path):
    """The project's packages, to be edited."""
    for room in ROOMS:
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def edit(path, line):
    """Put a statement where the body of the function begins that stands at a line, or has its first decorator there."""
    text = path.read_text()
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    (function,) = [node for node in functions if min([node.lineno, *(d.lineno for d in node.decorator_list)]) == line]
    first = function.body[0]
    lines = text.splitlines()
    if first.lineno == function.lineno:
        return False  # all in one line
    lines.insert(first.lineno - 1, " " * first.col_offset + "planted = 0")
    path.write_text("\n".join(lines) + "\n")
    return True


@pytest.mark.parametrize("stem", ["01_one_dataset_many_tasks", "08_merge_your_data", "09_two_tails"])
@pytest.mark.notebook
def test_all_that_a_notebook_calls_is_reached(stem, copy, tmp_path):
    notebook = ROOT / "notebooks" / f"{stem}.ipynb"
    environment = os.environ | {"PYTHONPATH": str(ROOT), "DDLIB_RUN_DIR": str(tmp_path / "run"), "MPLBACKEND": "agg"}
    command = [sys.executable, str(Path(__file__).with_name("called.py")), str(ROOT), str(notebook)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=notebook.parent)
    assert done.returncode == 0, done.stderr
    called = json.loads(done.stdout)
    assert len(called) > 50
    reached = {module.path: pieces for module, pieces in Code(ROOT).pieces_reached_by_cells(cells(notebook)).items()}
    lost = [(path, line, name) for path, line, name in called if not any(holds(piece, line) for piece in reached.get(path, ()))]
    assert lost == []
    functions = {path: line for path, line, name in called if name.isidentifier()}  # one of each file
    before = Code(copy).reached_by_cells(cells(notebook))
    for path, line in list(functions.items())[:: len(functions) // 4]:
        if edit(copy / path, line):
            after = Code(copy).reached_by_cells(cells(notebook))
            assert {file for file in after if after[file] != before.get(file)} == {path}
            before = after


def holds(piece, line):
    """Whether a line lies in a piece."""
    decorators = getattr(piece.tree, "decorator_list", [])
    first = min([getattr(piece.tree, "lineno", 0), *(decorator.lineno for decorator in decorators)])
    return not piece.is_import and first <= line <= piece.tree.end_lineno


def test_an_edit_of_a_method_reaches_only_who_uses_it(before, copy):
    path = copy / "ddlib" / "methods" / "herding.py"
    path.write_text(path.read_text().replace("def choose(", "def chosen("))
    after = reach(copy)
    users = {stem for stem in before if before[stem] != after[stem]}
    text = {notebook.stem: "\n".join(cells(notebook)) for notebook in CHAPTERS}
    assert users == {stem for stem in before if "ddlib/methods/herding.py" in before[stem]}
    assert {stem for stem in text if "Herding" in text[stem]} <= users < set(before)
    assert "01_one_dataset_many_tasks" not in users


def test_words_and_layout_of_the_whole_project_change_nothing(before, copy):
    """All files written anew from their syntax trees, with other docstrings."""
    for path in (path for room in ROOMS for path in (copy / room).rglob("*.py")):
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node):
                node.body[0] = ast.Expr(ast.Constant("Other words."))
        path.write_text(f"# {path.name}\n" + ast.unparse(tree).replace("\ndef ", "\n\n\n# here\ndef "))
    assert reach(copy) == before


def test_no_chapter_reaches_all_code(before):
    """Neither other chapters' code nor what makes pages of runs."""
    assert all(before.values())
    for stem, reached in before.items():
        assert not [path for path in reached if path.startswith(("ddbook/press/claims", "ddbook/press/pages", "ddbook/press/cli"))]
        assert len({Path(path).parent for path in reached if path.startswith("ddbook/chapters/")}) <= 1, stem


BLIND = {"import_module", "__import__", "exec", "eval", "globals", "__subclasses__", "__doc__", "getsource", "sys.modules"}


def test_the_places_that_cannot_be_read_off_the_source_are_known():
    """Code that is found by a computed name is not followed: whoever adds such a place sees to it that its runs get stale."""
    places = {
        (path.relative_to(ROOT).as_posix(), word) for room in ROOMS for path in (ROOT / room).rglob("*.py") for word in blind(path)
    }
    assert places == {
        ("ddlib/__init__.py", "import_module"),  # a constant: followed
        ("ddlib/cli.py", "import_module"),  # whether an extra is installed
        ("ddlib/cli.py", "__doc__"),  # the description of the command
        ("ddlib/extras.py", "import_module"),  # packages of others
        ("ddbook/kit/scores.py", "eval"),  # a query of pandas
        ("ddbook/press/library.py", "import_module"),  # the pages of the library's reference
        ("ddbook/press/canonical.py", "sys.modules"),
        ("ddbook/press/state.py", "sys.modules"),  # looks at what modules hold
        ("ddbook/press/typeset.py", "sys.modules"),  # the type of a parameter
        ("ddbook/press/record.py", "sys.modules"),  # whether torch is loaded
    }


def blind(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute | ast.Name):
            word = node.attr if isinstance(node, ast.Attribute) else node.id
            yield from {word, ast.unparse(node)} & BLIND
