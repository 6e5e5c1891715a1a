"""From notebooks to the book with the real Snakefile: resumes after kill -9, keeps what is finished, reruns what has changed."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys

import pytest

from ddbook.press.run import run
from ddbook.press.standing import lines
from ddbook.press.workflow import BuildError, run_chapters
from ddlib.files import InputError
from tests import ROOT
from tests.ddbook.book import fake
from tests.ddbook.press.notebooks import project, write
from tests.ddbook.press.waiting import wait_for

pytestmark = pytest.mark.notebook
FIRST, SECOND = "01_one_dataset_many_tasks", "04_merge_hospitals"  # the pages of the real book link to these
PARAMETERS = "seed: int = 0  # seed\nseconds: float = 0.0  # how long to sleep"


@pytest.fixture
def house(tmp_path):
    return make(tmp_path)


def make(folder):
    """A project with the real Snakefile and the real book, but for its chapters: two tiny ones."""
    root = project(folder)
    shutil.copytree(ROOT / "book", root / "book", ignore=shutil.ignore_patterns("__pycache__"))
    for page, others in (
        ("_toc.yml", rf" *- file: notebooks/(?!{FIRST}|{SECOND}).*\n"),
        ("index.md", rf"\[[^]]*\]\(\.\./notebooks/(?!{FIRST}|{SECOND})[^)]*\)(\n: .*\n\n)?"),
        ("summary.md", rf"\[[^]]*\]\(\.\./notebooks/(?!{FIRST}|{SECOND})[^)]*\)"),
    ):
        text, count = re.subn(others, "", (root / "book" / page).read_text())
        assert count > 0
        (root / "book" / page).write_text(text)
    fake.without_library(root)
    for name in ("Snakefile", "_config.yml"):
        shutil.copyfile(ROOT / name, root / name)
    write(root / "notebooks" / f"{FIRST}.ipynb", "x = 1", parameters=PARAMETERS)
    second = "import pathlib, time\npathlib.Path('started').touch()\ntime.sleep(seconds)\nassert seed < 9, 'too large'"
    write(root / "notebooks" / f"{SECOND}.ipynb", "## The second step", second, parameters=PARAMETERS)
    return root


def book(root, *options, **popen):
    command = [sys.executable, "-m", "ddbook", "book", "--profile", "smoke", "--cores", "2", *options]
    return subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **popen)


def finish(process):
    output, _ = process.communicate(timeout=300)
    return process.returncode, output


def record(root, stem):
    return json.loads((root / "_build" / "smoke" / "runs" / stem / "run.json").read_text())


def test_after_kill_9_the_same_command_goes_on_and_nothing_changed_runs_nothing(house):
    (house / "notebooks" / "profiles" / "smoke.yml").write_text(f"{SECOND}: {{seconds: 300}}")
    process = book(house, start_new_session=True)
    wait_for((house / "notebooks" / "started").exists, process)
    wait_for((house / "_build" / "smoke" / "runs" / FIRST / "run.json").exists, process)
    # Snakemake has to see that the job has ended, or it does the job again, to be safe
    wait_for(lambda: len(list((house / ".snakemake" / "incomplete").iterdir())) == 1, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    first = record(house, FIRST)
    assert not (house / "_build" / "smoke" / "runs" / SECOND / "run.json").exists()
    assert not (house / "_build" / "smoke" / "html").exists()

    (house / "notebooks" / "profiles" / "smoke.yml").write_text("")
    status, output = finish(book(house))
    assert status == 0, output
    page = house / "_build" / "smoke" / "html" / "index.html"
    assert output.strip().splitlines()[-1] == page.resolve().as_uri()
    assert page.exists()
    assert record(house, FIRST) == first
    second = record(house, SECOND)

    built = page.stat().st_mtime
    status, output = finish(book(house))
    assert status == 0, output
    assert (record(house, FIRST), record(house, SECOND), page.stat().st_mtime) == (first, second, built)

    with (house / "book" / "index.md").open("a") as stream:
        stream.write("\n{doc}`nowhere`\n")
    status, output = finish(book(house))
    assert (status, "nowhere" in output) == (1, True)
    assert page.stat().st_mtime == built  # the book that was there stays


def test_a_failing_chapter_stops_the_book_names_its_cell_and_keeps_the_others(house):
    status, output = finish(book(house, "--parameters", f"{SECOND}.seed=9"))
    assert status == 1
    tail = output[output.index(f"notebooks/{SECOND}.ipynb failed") :]
    assert "in cell 5 of 5, under “The second step”" in tail
    assert "AssertionError: too large" in tail
    failed = house / "_build" / "smoke" / "runs" / SECOND / "notebook.failed.ipynb"
    assert str(failed) in tail
    assert failed.exists()
    assert "Finished chapters kept: 1" in tail
    assert record(house, FIRST)["state"] == "ok"
    assert not (house / "_build" / "smoke" / "html").exists()


@pytest.mark.parametrize("long", [FIRST, SECOND])
def test_chapters_that_took_long_in_the_reference_start_first(house, long):
    for stem in (FIRST, SECOND):
        run = fake.record(stem).model_copy(update={"wall_seconds": 100.0 if stem == long else 1.0})
        (house / "reference" / stem).mkdir(parents=True)
        run.write(house / "reference" / stem / "run.json")
    run_chapters(house, "smoke", 1)
    assert min((FIRST, SECOND), key=lambda stem: record(house, stem)["started"]) == long


def test_wrong_parameters_stop_before_anything_starts(house):
    for options, text in [
        (["--parameters", f"{SECOND}.sede=9"], "did you mean 'seed'"),
        (["--parameters", "05_x.seed=9"], "no chapter '05_x'"),
    ]:
        status, output = finish(book(house, *options))
        assert status == 2
        assert text in output
    (house / "notebooks" / "profiles" / "smoke.yml").write_text(f"{SECOND}: {{seconds: soon}}")
    status, output = finish(book(house))
    assert (status, "must be a number" in output) == (2, True)
    assert not (house / "_build" / "smoke" / "runs").exists()


def test_a_second_build_is_refused_as_long_as_anything_of_the_first_runs(house):
    first = book(house, "--parameters", f"{SECOND}.seconds=300", start_new_session=True)
    wait_for((house / "notebooks" / "started").exists, first)
    first.kill()  # Snakemake and the chapter go on
    first.wait()
    status, output = finish(book(house))
    os.killpg(first.pid, signal.SIGKILL)
    assert status == 2
    assert "another build is running" in output


@pytest.mark.parametrize("stop", [lambda first: os.killpg(first.pid, signal.SIGINT), lambda first: first.terminate()])
def test_an_interrupted_build_ends_its_chapters_and_says_so(house, stop):
    first = book(house, "--parameters", f"{SECOND}.seconds=300", start_new_session=True)
    wait_for((house / "notebooks" / "started").exists, first)
    stop(first)
    status, output = finish(first)
    assert status == 1
    assert f"notebooks/{SECOND}.ipynb was interrupted in cell 5 of 5" in output
    assert not list(house.glob(".snakemake/locks/*"))


def answer(root, stem):
    return json.loads((root / "_build" / "smoke" / "runs" / stem / "results" / "numbers.json").read_text())["answer"]["value"]


@pytest.fixture(scope="module")
def answered(tmp_path_factory):
    """The project with a chapter that records its seed, run once."""
    house = make(tmp_path_factory.mktemp("answered"))
    cell = "from ddbook.press import Recorder\nrecord = Recorder('x')\nrecord.number('answer', seed)\nassert seed < 9"
    write(house / "notebooks" / f"{FIRST}.ipynb", cell, "import time; time.sleep(seconds)", parameters=PARAMETERS)
    run_chapters(house, "smoke", 1)
    assert answer(house, FIRST) == 0
    return house


@pytest.fixture
def answering(answered, tmp_path):
    """A copy of it."""
    return shutil.copytree(answered, tmp_path / "house")


def by_time(house, monkeypatch):
    """A user's profile of Snakemake which has file times decide."""
    (house / "mine").mkdir()
    (house / "mine" / "config.yaml").write_text("rerun-triggers: [mtime]\n")
    monkeypatch.setenv("SNAKEMAKE_PROFILE", str(house / "mine"))


def forgotten(house, monkeypatch):
    """What Snakemake remembers of earlier runs is gone, and what they left is not."""
    shutil.rmtree(house / ".snakemake")


@pytest.mark.parametrize("before", [by_time, forgotten])
def test_another_parameter_is_another_run_whatever_snakemake_believes(answering, monkeypatch, before):
    before(answering, monkeypatch)
    second = record(answering, SECOND)
    run_chapters(answering, "smoke", 1, {FIRST: {"seed": "3"}})
    assert answer(answering, FIRST) == 3
    assert record(answering, SECOND) == second
    run_chapters(answering, "smoke", 1)
    assert answer(answering, FIRST) == 0


def test_a_run_by_hand_and_an_edited_result_do_not_stay_in_a_book_without_them(answering):
    run(answering / "notebooks" / f"{FIRST}.ipynb", profile="smoke", given={"seed": "7"}, force=True, say=lambda _: None)
    assert answer(answering, FIRST) == 7
    run_chapters(answering, "smoke", 1)
    assert answer(answering, FIRST) == 0
    edited = answering / "_build" / "smoke" / "runs" / FIRST / "results" / "numbers.json"
    edited.write_text(edited.read_text().replace("0.0", "5.0"))
    assert answer(answering, FIRST) == 5
    run_chapters(answering, "smoke", 1)
    assert answer(answering, FIRST) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_rebuild_that_is_stopped_loses_no_finished_run(answering, number):
    (answering / "notebooks" / "started").unlink()
    first, second = record(answering, FIRST), record(answering, SECOND)
    process = book(answering, "--parameters", f"{FIRST}.seed=1 {FIRST}.seconds=300 {SECOND}.seconds=300", start_new_session=True)
    wait_for((answering / "notebooks" / "started").exists, process)
    os.killpg(process.pid, number)
    finish(process)
    assert (record(answering, FIRST), record(answering, SECOND)) == (first, second)
    assert answer(answering, FIRST) == 0
    started = first["started"]
    run_chapters(answering, "smoke", 1)
    assert record(answering, FIRST)["started"] == started


def test_a_rebuild_that_fails_loses_no_finished_run(answering):
    before = record(answering, FIRST)
    with pytest.raises(BuildError, match="Finished chapters kept: 2"):
        run_chapters(answering, "smoke", 1, {FIRST: {"seed": "9"}})
    assert record(answering, FIRST) == before
    assert {line.chapter: line.state for line in lines(answering, "smoke")}[FIRST] == "failed"
    run_chapters(answering, "smoke", 1)
    assert record(answering, FIRST) == before
    assert {line.state for line in lines(answering, "smoke")} == {"fresh"}


def test_one_chapter_alone_is_run_and_one_that_does_not_exist_is_named(answering):
    for stem in (FIRST, SECOND):
        (answering / "_build" / "smoke" / "runs" / stem / "run.json").unlink()
    run_chapters(answering, "smoke", 1, only=["04"])
    assert {line.chapter: line.state for line in lines(answering, "smoke")} == {FIRST: "missing", SECOND: "fresh"}
    with pytest.raises(InputError, match="no chapter '07'"):
        run_chapters(answering, "smoke", 1, only=["07"])
