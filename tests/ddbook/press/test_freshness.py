"""A run is fresh if, and only if, its key and its files are what the present code, parameters and versions give."""

import json
import os
import shutil

import pytest

from ddbook.press import freshness
from ddbook.press.claims import command
from ddbook.press.claims.command import claims_report
from ddbook.press.freshness import Today, marks, reference_marks, require_fresh
from ddbook.press.provenance import Run
from ddbook.press.reference import collect
from ddlib.files import InputError
from tests.ddbook.press.claims.world import CLAIM, ledger
from tests.ddbook.press.planted import PLANTED, STEM, edit, edit_cell, folder, make, notebook, standing

pytestmark = pytest.mark.notebook


@pytest.fixture
def house(planted_house):
    return planted_house


@pytest.mark.parametrize(
    "change",
    [
        lambda root: None,
        lambda root: edit_cell(root, "# A small notebook", "# A small notebook\n\nWith more to say."),
        lambda root: edit_cell(root, "record.number(", "# what matters\nrecord.number("),
        lambda root: edit_cell(root, "# how often", "# how many times"),
        lambda root: edit(root / PLANTED / "computing.py", '"""A table."""', '"""A table of scores."""\n    # as before'),
        lambda root: edit(root / PLANTED / "computing.py", "return 0", "return 1"),
        lambda root: edit(root / "ddlib" / "methods" / "herding.py", "argmin", "argmax"),
        lambda root: (root / PLANTED / "._computing.py").write_bytes(b"\0\1"),
        lambda root: (root / "notebooks" / "._01_small.ipynb").write_bytes(b"\0\1"),
        lambda root: [os.utime(path) for path in (notebook(root), root / PLANTED / "computing.py")],
        lambda root: shutil.rmtree(root / "_build" / "code"),
    ],
)
def test_what_cannot_move_a_result_leaves_a_run_fresh(house, change):
    change(house)
    assert standing(house).why == []
    assert standing(house).state == "fresh"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda root: edit(root / PLANTED / "computing.py", "FACTOR = 2", "FACTOR = 3"), "computing.py"),
        (lambda root: edit(root / PLANTED / "figures.py", "subplots()", "subplots(2)"), "figures.py"),
        (lambda root: edit(root / "ddbook" / "press" / "surroundings.py", 'HASHSEED": "0"', 'HASHSEED": "1"'), "surroundings.py"),
        (lambda root: edit(root / "ddbook" / "press" / "launch.py", "STARTUP = False", "STARTUP = True"), "launch.py"),
        (lambda root: edit_cell(root, "table.score.iloc[0]", "table.score.iloc[1]"), "the notebook's code"),
        (lambda root: edit_cell(root, "answer: int = 1", "answer: int = 2"), "answer = 2 instead of 1"),
        (lambda root: (root / "notebooks" / "profiles" / "smoke.yml").write_text(f"{STEM}: {{answer: 5}}"), "answer = 5"),
        (lambda root: (folder(root) / "results" / "scores.csv").unlink(), "results/scores.csv is gone"),
        (lambda root: edit(folder(root) / "results" / "numbers.json", "2.0", "3.0"), "results/numbers.json was edited"),
        (lambda root: (folder(root) / "results" / "more.csv").write_text("a\n1\n"), "results/more.csv is not from the run"),
        (lambda root: edit(folder(root) / "notebook.ipynb", "A line.", "A curve."), "notebook.ipynb was edited"),
        (lambda root: edit(folder(root) / "run.json", '"answer": 1', '"answer": 2'), "run.json was edited"),
        (lambda root: (folder(root) / "run.json").write_text("{}"), "run.json is no record"),
    ],
)
def test_what_can_move_a_result_is_seen_and_named_whatever_the_times_of_files(house, change, named):
    change(house)
    for path in (*(house / PLANTED).iterdir(), notebook(house), house / "notebooks" / "profiles" / "smoke.yml"):
        os.utime(path, (0, 0))
    found = standing(house)
    assert found.state == "stale"
    assert any(named in reason for reason in found.why)
    assert not (house / marks(Today(house, "smoke"))[STEM]).exists()
    with pytest.raises(InputError, match=STEM):
        require_fresh(Today(house, "smoke"))


def test_another_version_of_a_package_that_computes_is_seen(house, monkeypatch):
    before = freshness.versions()
    monkeypatch.setattr(freshness, "versions", lambda: before | {"papermill": "0"})
    assert standing(house).state == "fresh"
    monkeypatch.setattr(freshness, "versions", lambda: before | {"torch": "0"})
    assert any("torch" in reason for reason in standing(house).why)


def test_parameters_by_hand_count_as_long_as_they_are_asked_for(house):
    make(house, given={"answer": "77"}, force=True)
    assert any("answer = 1 instead of 77" in reason for reason in standing(house).why)
    asked = Today(house, "smoke", {STEM: {"answer": "77"}})
    assert asked.standing(STEM).state == "fresh"
    asked.remember()  # as a book with these parameters does
    assert standing(house).state == "fresh"
    Today(house, "smoke", {}).remember()
    assert standing(house).state == "stale"


def test_marks_follow_content_alone(house):
    named = marks(Today(house, "smoke"))
    mark = house / named[STEM]
    assert mark.exists()
    shutil.rmtree(mark.parent)
    assert marks(Today(house, "smoke")) == named
    assert mark.exists()
    edit(house / PLANTED / "computing.py", "FACTOR = 2", "FACTOR = 3")
    other = house / marks(Today(house, "smoke"))[STEM]
    assert other != mark
    assert list(mark.parent.iterdir()) == []
    edit(house / PLANTED / "computing.py", "FACTOR = 3", "FACTOR = 2")
    assert marks(Today(house, "smoke")) == named
    assert list(mark.parent.iterdir()) == [mark]


def test_code_that_is_edited_while_a_chapter_runs_does_not_reach_it(house):
    """The kernel waits before it imports; the edit is then taken back, so that no look at the files could tell."""
    wait = "import pathlib, time\npathlib.Path('waits').touch()\nwhile not pathlib.Path('go').exists():\n    time.sleep(0.05)\n"
    edit_cell(house, "from ddbook.chapters.planted.computing", f"{wait}from ddbook.chapters.planted.computing")
    path, folder_of_notebooks = house / PLANTED / "computing.py", house / "notebooks"

    def meanwhile(line):
        if (folder_of_notebooks / "waits").exists() and not (folder_of_notebooks / "go").exists():
            edit(path, "FACTOR = 2", "FACTOR = 3")
            (folder_of_notebooks / "go").touch()

    import threading

    watching = threading.Event()

    def watch():
        while not watching.wait(0.05) and not (folder_of_notebooks / "go").exists():
            meanwhile("")

    thread = threading.Thread(target=watch)
    thread.start()
    record = make(house, force=True)
    watching.set()
    thread.join()
    numbers = json.loads((folder(house) / "results" / "numbers.json").read_text())
    assert numbers["answer"]["value"] == 2.0  # with the factor that the key stands for
    assert any("computing.py" in reason for reason in standing(house).why)
    edit(path, "FACTOR = 3", "FACTOR = 2")
    assert standing(house).state == "fresh"
    assert standing(house).key == record.key


def test_claims_are_judged_by_fresh_results_only(house):
    statistic = {"label": "the answer", "number": "answer", "at_least": 3}
    ledger(house, CLAIM | {"chapter": STEM, "seeds": 0, "statistics": [statistic]})
    assert [one.state for one in claims_report(house, "smoke").judged] == ["not reproduced"]
    numbers = folder(house) / "results" / "numbers.json"
    edit(numbers, "2.0", "3.0")
    with pytest.raises(InputError, match=r"numbers\.json was edited"):
        claims_report(house, "smoke")
    edit(numbers, "3.0", "2.0")
    edit(house / PLANTED / "computing.py", "FACTOR = 2", "FACTOR = 3")
    with pytest.raises(InputError, match=r"computing\.py"):
        claims_report(house, "smoke")


def test_what_a_chapter_has_left_that_was_renamed_is_not_judged(house):
    ledger(house, CLAIM | {"chapter": STEM, "seeds": 0, "statistics": [{"label": "the answer", "number": "answer", "at_least": 3}]})
    notebook(house).rename(house / "notebooks" / "02_renamed.ipynb")
    (house / "notebooks" / "profiles" / "paper.yml").write_text("")
    with pytest.raises(InputError, match="no notebook 01_small"):
        claims_report(house, "smoke")
    with pytest.raises(InputError, match="no notebook 01_small"):
        require_fresh(Today(house, "smoke"), [STEM])


def test_verdicts_on_parameters_by_hand_are_told_and_not_put_on_record(house):
    ledger(house, CLAIM | {"chapter": STEM, "seeds": 0, "statistics": [{"label": "the answer", "number": "answer", "at_least": 3}]})
    make(house, given={"answer": "77"}, force=True)
    Today(house, "smoke", {STEM: {"answer": "77"}}).remember()
    assert claims_report(house, "smoke").by_hand == f"{STEM}.answer=77"
    with pytest.raises(InputError, match="by hand"):
        claims_report(house, "smoke", put_on_record=True)
    assert not (house / "reference" / "claims.json").exists()


def test_a_reference_whose_data_have_changed_is_marked(house, monkeypatch):
    monkeypatch.setattr("ddbook.press.reference._uncommitted", lambda run: False)
    (house / "given.txt").write_text("1")
    edit_cell(house, "table = record", "open('../given.txt').read()\ntable = record")
    make(house, profile="paper")
    collect(house)
    assert reference_marks(house) == {}
    (house / "given.txt").write_text("2")
    assert "given.txt" in reference_marks(house)[STEM]


def test_the_code_of_another_project_is_not_run_for_this_one(house, tmp_path, monkeypatch):
    other = tmp_path / "copy"
    shutil.copytree(house, other)
    for work in (lambda: make(other, force=True), lambda: Today(other, "smoke")):
        with pytest.raises(InputError, match="the code that runs is that of"):
            work()


def test_an_executed_notebook_in_the_place_of_its_source_is_refused(house):
    make(house, given={"answer": "7"}, force=True)
    shutil.copyfile(folder(house) / "notebook.ipynb", notebook(house))
    with pytest.raises(InputError, match="injected-parameters"):
        make(house, force=True)
    with pytest.raises(InputError, match="injected-parameters"):
        standing(house)


def test_claims_whose_results_are_edited_while_they_are_judged_are_refused(house, monkeypatch):
    ledger(house, CLAIM | {"chapter": STEM, "seeds": 0, "statistics": [{"label": "the answer", "number": "answer", "at_least": 3}]})

    judge = command.verdicts

    def verdicts(*arguments):
        edit(folder(house) / "results" / "numbers.json", "2.0", "3.0")
        return judge(*arguments)

    monkeypatch.setattr(command, "verdicts", verdicts)
    with pytest.raises(InputError, match="while the claims were judged"):
        claims_report(house, "smoke")


def test_a_reference_that_is_recorded_makes_no_run_stale_but_its_figures_are_drawn_again(house, monkeypatch):
    monkeypatch.setattr("ddbook.press.reference._uncommitted", lambda run: False)
    record = make(house, profile="paper")
    collect(house)
    found = standing(house)
    assert (found.state, found.key) == ("redraw", Run.read(folder(house) / "run.json").key)
    assert standing(house, "paper").state == "fresh"  # the reference itself is drawn over nothing
    make(house, force=True)
    assert standing(house).state == "fresh"
    assert Run.read(house / "reference" / STEM / "run.json").key == record.key


def test_a_reference_that_is_older_than_its_code_is_marked_and_an_edited_one_refused(house, monkeypatch):
    monkeypatch.setattr("ddbook.press.reference._uncommitted", lambda run: False)
    make(house, profile="paper")
    collect(house)
    assert reference_marks(house) == {}
    edit(house / PLANTED / "computing.py", "FACTOR = 2", "FACTOR = 3")
    assert "computing.py" in reference_marks(house)[STEM]
    edit(house / "reference" / STEM / "results" / "numbers.json", "15.0", "16.0")
    with pytest.raises(InputError, match=r"numbers\.json was edited"):
        reference_marks(house)
