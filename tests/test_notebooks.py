"""Every chapter: committed without outputs, parameters in order, executed through ``ddlib run`` and through plain papermill."""

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import papermill
import pytest

from ddlib.study.parameters import read_schema
from ddlib.study.profiles import chapters, plan, profile_names, read_profile

FOLDER = Path(__file__).parents[1] / "notebooks"
CHAPTERS = chapters(FOLDER)
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


@pytest.mark.parametrize("profile", profile_names(FOLDER))
def test_every_profile_is_accepted(profile):
    assert set(plan(FOLDER, profile)) == {notebook.stem for notebook in CHAPTERS}


def test_the_paper_profile_has_ten_seeds():
    for stem, parameters in plan(FOLDER, "paper").items():  # of retraining: draws of data × fresh networks on each set
        assert parameters["replicates"] * parameters.get("networks", 1) >= 10, stem


@each
@pytest.mark.notebook
def test_smoke_run(notebook, tmp_path):
    command = [sys.executable, "-m", "ddlib.study.cli", "run", str(notebook), "--profile", "smoke", "--out", str(tmp_path / "run")]
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


@pytest.mark.parametrize("stem", ["01_one_dataset_many_tasks", "08_merge_your_data"])  # what differs is the runner, not the chapter
@pytest.mark.notebook
def test_plain_papermill(stem, tmp_path, monkeypatch):
    notebook = FOLDER / f"{stem}.ipynb"
    monkeypatch.setenv("DDLIB_RUN_DIR", str(tmp_path / "results"))
    monkeypatch.setenv("OMP_NUM_THREADS", os.environ.get("OMP_NUM_THREADS", "1"))
    smoke = read_profile(FOLDER, "smoke")[notebook.stem]
    papermill.execute_notebook(notebook, tmp_path / "out.ipynb", smoke, cwd=FOLDER, progress_bar=False)
    assert (tmp_path / "results" / "results" / "numbers.json").exists()
