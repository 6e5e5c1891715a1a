"""Every chapter: committed without outputs, parameters in order, executed through ``ddbook run`` and through plain papermill."""

import ast
import json
import os
import re
import subprocess
import sys

import nbformat
import pandas as pd
import papermill
import pytest
import torch

from ddbook.press.claims import read_ledger
from ddbook.press.parameters import read_schema
from ddbook.press.profiles import chapters, plan, profile_names, read_profile
from ddbook.press.run import run
from tests import ROOT

FOLDER = ROOT / "notebooks"
CHAPTERS = chapters(FOLDER)
CLAIMS = read_ledger(FOLDER.parent / "book" / "claims.yml")
each = pytest.mark.parametrize("notebook", CHAPTERS, ids=lambda path: path.stem)


def test_there_are_chapters_and_profiles():
    assert len(CHAPTERS) >= 2
    assert profile_names(FOLDER) == ["laptop", "paper", "smoke"]


@each
def test_committed_notebook_has_no_outputs_and_a_valid_parameters_cell(notebook):
    for cell in nbformat.read(notebook, as_version=4).cells:
        assert not cell.get("outputs"), f"{notebook.name} has outputs: clear them before committing"
        assert cell.get("execution_count") is None
    assert {"seed", "replicates", "device"} <= set(read_schema(notebook))


@each
def test_committed_notebook_defines_no_algorithm(notebook):
    """Functions longer than a helper, classes and long cells belong in the library."""
    for cell in nbformat.read(notebook, as_version=4).cells:
        if cell.cell_type == "code":
            assert "class " not in cell.source
            assert len(cell.source.splitlines()) <= 40


@each
def test_one_visible_cell_shows_the_library(notebook):
    """A reader learns the library by reading: one short cell early on the page, of the library alone; all others are folded."""
    cells = nbformat.read(notebook, as_version=4).cells
    place, *more = [
        i for i, cell in enumerate(cells) if cell.cell_type == "code" and "hide-input" not in cell.metadata.get("tags", [])
    ]
    assert not more
    above = "\n".join(cell.source for cell in cells[:place] if cell.cell_type == "markdown")
    assert len(re.findall(r"^#+ ", above, flags=re.MULTILINE)) < 3
    lines = cells[place].source.splitlines()
    assert 15 <= len(lines) <= 30
    assert max(map(len, lines)) <= 80, "the page shows 80 characters of a line, the rest scrolls out of sight"
    tree = ast.parse(cells[place].source)
    assert "ddlib" in imported(tree)
    assert "ddbook" not in imported(tree)
    others = [ast.parse(cell.source) for i, cell in enumerate(cells) if cell.cell_type == "code" and i != place]
    elsewhere = {node.id for other in others for node in ast.walk(other) if isinstance(node, ast.Name)}
    bound = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    assert bound & elsewhere <= {"_"}, "a name of the visible cell would change what another cell computes"


def imported(tree):
    """The packages that a piece of code imports."""
    nodes = list(ast.walk(tree))
    names = [name.name for node in nodes if isinstance(node, ast.Import) for name in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom)]
    return {name.split(".")[0] for name in names}


def in_comprehensions(source):
    """Queries with @names inside comprehensions of a source: there pandas takes a global of that name, not the function's own."""
    inner = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp)
    ]
    calls = [
        call for node in inner for call in ast.walk(node) if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)
    ]
    texts = [text.value for call in calls if call.func.attr == "query" for text in call.args if isinstance(text, ast.Constant)]
    return [text for text in texts if "@" in text]


def test_no_query_takes_a_name_from_the_wrong_place():
    assert in_comprehensions("def f(a):\n    return [t.query('x == @a') for _ in b]") == ["x == @a"]
    library = (FOLDER.parent / "ddlib").rglob("*.py")
    cells = ["\n\n".join(c.source for c in nbformat.read(n, as_version=4).cells if c.cell_type == "code") for n in CHAPTERS]
    for source in [*cells, *(path.read_text() for path in library)]:
        assert in_comprehensions(source) == []


@pytest.mark.parametrize("profile", profile_names(FOLDER))
def test_every_profile_is_accepted(profile):
    assert set(plan(FOLDER, profile)) == {notebook.stem for notebook in CHAPTERS}


def test_the_paper_profile_has_ten_seeds():
    for stem, parameters in plan(FOLDER, "paper").items():
        assert parameters["replicates"] >= 10, stem


@each
@pytest.mark.notebook
def test_smoke_run(notebook, tmp_path):
    command = [sys.executable, "-m", "ddbook", "run", str(notebook), "--profile", "smoke", "--out", str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["state"] == "ok"
    assert json.loads((tmp_path / "run" / "results" / "numbers.json").read_text())
    figures = {path.stem for path in (tmp_path / "run" / "figures").iterdir()}
    assert {f"{stem}.{ending}" for stem in figures for ending in ("svg", "png")} == {
        p.name for p in (tmp_path / "run" / "figures").iterdir()
    }
    shown = [
        output["data"]["text/html"]
        for cell in nbformat.read(tmp_path / "run" / "notebook.ipynb", as_version=4).cells
        for output in cell.get("outputs", [])
        if "ddlib-figure" in output.get("data", {}).get("text/html", "")
    ]
    assert len(shown) == len(figures) > 0
    assert_claims_fit(notebook.stem, tmp_path / "run" / "results", figures)


SMOKE_LACKS = {"Poisson", "logistic", "screened", "conduction", "Burgers", "wave", "noise 0.5", "noise 0.5 ignored", "CDISC"}
"""Names that the ledger uses and that a smoke run, on fewer problems and conditions or without some data, need not have."""


def assert_claims_fit(stem, results, figures):
    """What the ledger asks of a chapter is recorded there: tables with these columns, queries that can be put to them, figures."""
    numbers = json.loads((results / "numbers.json").read_text())
    for claim in CLAIMS:
        if claim.chapter != stem:
            continue
        assert set(claim.requires) <= set(read_schema(FOLDER / f"{stem}.ipynb")), claim.id
        assert claim.figure is None or claim.figure in figures or stem == "07_real_hospitals", claim.id  # which needs data for some
        for statistic in claim.statistics:
            if statistic.number:
                known = {re.sub(r"_\d+$", "", name) for name in numbers}  # a smoke run has other budgets
                assert re.sub(r"_\d+$", "", statistic.number) in known, f"{claim.id}: {statistic.number}"
            elif (results / f"{statistic.table}.csv").exists() or stem != "07_real_hospitals":
                table = pd.read_csv(results / f"{statistic.table}.csv")
                assert {statistic.value, *statistic.seed, *statistic.across} <= set(table), claim.id
                for queries in (statistic.rows, statistic.minus, statistic.over):
                    for query in [queries] if isinstance(queries, str) else queries or []:
                        table.query(query)
                        for column, text in re.findall(r"(\w+) == '([^']*)'", query):
                            known = set(table[column]) | SMOKE_LACKS
                            assert text in known, f"{claim.id}: no {column} is called {text!r}"


GPU = [
    (notebook, precision)
    for notebook in CHAPTERS
    for precision in (["float64", "float32"] if "precision" in read_schema(notebook) else [""])
]


@pytest.mark.parametrize(("notebook", "precision"), GPU, ids=lambda value: getattr(value, "stem", value))
@pytest.mark.notebook
@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU")
def test_smoke_run_on_the_gpu(notebook, precision, tmp_path):
    given = {"device": "cuda"} | ({"precision": precision} if precision else {})
    record = run(notebook, tmp_path / "run", "smoke", given, say=lambda _: None)
    assert record.state == "ok", record.failure
    assert record.peak_gpu_memory_bytes or notebook.stem == "08_merge_your_data"  # the tool computes on the processor


@pytest.mark.parametrize("stem", ["01_one_dataset_many_tasks", "08_merge_your_data"])  # what differs is the runner, not the chapter
@pytest.mark.notebook
def test_plain_papermill(stem, tmp_path, monkeypatch):
    notebook = FOLDER / f"{stem}.ipynb"
    monkeypatch.setenv("DDLIB_RUN_DIR", str(tmp_path / "results"))
    monkeypatch.setenv("OMP_NUM_THREADS", os.environ.get("OMP_NUM_THREADS", "1"))
    smoke = read_profile(FOLDER, "smoke")[notebook.stem]
    papermill.execute_notebook(notebook, tmp_path / "out.ipynb", smoke, cwd=FOLDER, progress_bar=False)
    assert (tmp_path / "results" / "results" / "numbers.json").exists()
