"""The reference is complete, traceable and small, or it stays as it was."""

import ast
import json
import subprocess

import nbformat
import pytest
import torch

from ddbook.press import Recorder, reference
from ddbook.press.project import project_root
from ddbook.press.provenance import Run
from ddbook.press.reference import check, collect
from ddlib.files import InputError
from ddlib.problem import Distilled
from tests.ddbook.book.fake import record, settle
from tests.ddbook.press.notebooks import write

STEMS = ("01_first", "02_second")
KEPT = ("distilled_a_b_3.csv", "distilled_a_b_100.csv")
LEFT = ("distilled_a_b_101.csv", "distilled_private_a_b_3.csv", "distilled_a_b.csv", "distilled_a_b_3.csv.gz")


@pytest.fixture
def house(tmp_path):
    (tmp_path / "notebooks" / "profiles").mkdir(parents=True)
    (tmp_path / "notebooks" / "profiles" / "paper.yml").write_text("01_first: {replicates: 10}")
    for stem in STEMS:
        write(tmp_path / "notebooks" / f"{stem}.ipynb", parameters="replicates: int = 3  # seeds\ndevice: str = 'cpu'  # where")
        finish(tmp_path, stem)
    return tmp_path


def finish(root, stem, **changes):
    folder = root / "_build" / "paper" / "runs" / stem
    (folder / "results").mkdir(parents=True, exist_ok=True)
    (folder / "figures").mkdir(exist_ok=True)
    for name in ("results/scores.csv", *(f"results/{name}" for name in (*KEPT, *LEFT)), "figures/a.svg", "notebook.ipynb"):
        (folder / name).write_text("x\n1\n")
    (folder / "results" / "numbers.json").write_text("{}")
    made = record(stem)
    parameters = {"replicates": 10 if stem == "01_first" else 3, "device": "cpu"}
    update = {"profile": "paper", "parameters": parameters, "git": made.git.model_copy(update={"dirty": False})} | changes
    settle(folder, made.model_copy(update=update))


def test_it_holds_tables_numbers_small_sets_and_the_record_of_each_run(house):
    target = collect(house)
    files = sorted(path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file())
    results = [f"results/{name}" for name in sorted((*KEPT, "numbers.json", "scores.csv"))]
    assert files == [f"{stem}/{name}" for stem in STEMS for name in (*results, "run.json")]
    assert not list(house.glob(".new-*"))


def test_no_set_of_real_patients_lands_in_it(house, monkeypatch):
    """Whatever the recorder calls such a set, and however small it is."""
    folder = house / "_build" / "paper" / "runs" / "01_first"
    monkeypatch.setenv("DDLIB_RUN_DIR", str(folder))
    rows = Distilled(torch.full((1, 2, 1), 0.123), torch.zeros(1, 2), torch.ones(1, 2))
    (folder / "results" / "numbers.json").unlink()
    recorder = Recorder("01_first")
    for name, private in (("patients", True), ("drawn", False)):
        recorder.distilled(name, "random", rows, real_patients=private)
    finished = Run.read(folder / "run.json")
    settle(folder, finished)
    assert len([path for path in folder.rglob("*") if path.is_file() and "0.123" in path.read_text()]) == 2
    held = [path.name for path in collect(house).rglob("*") if path.is_file() and "0.123" in path.read_text()]
    assert held == ["distilled_drawn_random_2.csv"]


def test_a_set_that_takes_much_room_is_left_out(house, monkeypatch):
    monkeypatch.setattr(reference, "SET_BYTES", 3)
    assert not list(collect(house).rglob("distilled_*"))


def test_chapters_that_read_real_patients_say_of_each_set_whether_it_is_made_of_them():
    """So that nobody who adds a set to such a chapter forgets it."""
    readers = 0
    for path in sorted((project_root() / "notebooks").glob("*.ipynb")):
        cells = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
        if not any(f"datasets.{loader}" in source for source in cells for loader in ("cdisc", "pbc")):
            continue
        readers += 1
        calls = [node for source in cells for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
        exports = [call for call in calls if ast.unparse(call.func) == "record.distilled"]
        assert all("real_patients" in {word.arg for word in call.keywords} for call in exports), path.name
    assert readers


def test_what_else_is_in_the_folder_stays_and_renamed_chapters_go(house):
    old = house / "reference" / "01_old_name"
    old.mkdir(parents=True)
    (old / "run.json").write_text("{}")
    (house / "reference" / "claims.json").write_text('{"paper": {}}')
    collect(house)
    assert not old.exists()
    assert json.loads((house / "reference" / "claims.json").read_text()) == {"paper": {}}


def test_a_run_on_a_gpu_is_welcome(house):
    finish(house, "01_first", parameters={"replicates": 10, "device": "cuda"})
    assert (collect(house) / "01_first" / "run.json").exists()


def spoil_missing(root):
    (root / "_build" / "paper" / "runs" / "02_second" / "run.json").unlink()


def spoil_other_parameters(root):
    finish(root, "02_second", parameters={"replicates": 4, "device": "cpu"})


def spoil_old_parameters(root):
    finish(root, "02_second", parameters={"device": "cpu"})


def spoil_record(root):
    (root / "_build" / "paper" / "runs" / "02_second" / "run.json").write_text("{")


def spoil_dirty(root):
    finish(root, "02_second", git=record("02_second").git)


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (spoil_missing, "no finished run"),
        (spoil_other_parameters, "replicates"),
        (spoil_old_parameters, "new parameters"),
        (spoil_dirty, "no commit holds"),
        (spoil_record, "is no record of a run"),
    ],
)
def test_what_cannot_be_a_reference_leaves_the_old_one_alone(house, spoil, complaint):
    before = (collect(house) / "02_second" / "run.json").read_text()
    spoil(house)
    with pytest.raises(InputError, match=complaint) as error:
        collect(house)
    assert "02_second" in str(error.value)
    assert (house / "reference" / "02_second" / "run.json").read_text() == before


def test_what_would_be_refused_in_the_end_is_refused_at_once(tmp_path):
    def git(*words):
        subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *words], cwd=tmp_path, check=True, capture_output=True
        )

    with pytest.raises(InputError, match="replicates was given by hand"):
        check(tmp_path, {"01_first": {"device": "cuda", "replicates": "3"}})
    with pytest.raises(InputError, match="commit your changes"):
        check(tmp_path, {})
    git("init")
    (tmp_path / "a").write_text("")
    git("add", "a")
    git("commit", "-m", "a")
    check(tmp_path, {"01_first": {"device": "cuda"}})
    (tmp_path / "a").write_text("changed")
    with pytest.raises(InputError, match="commit your changes"):
        check(tmp_path, {})


def test_a_reference_that_is_too_large_is_refused(house, monkeypatch):
    monkeypatch.setattr(reference, "LIMIT", 100)
    with pytest.raises(InputError, match="record smaller tables"):
        collect(house)
    assert not list((house / "reference").iterdir())
