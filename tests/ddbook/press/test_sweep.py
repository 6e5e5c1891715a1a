"""Sweeps on the cores of this machine: typed before they start, resumed after anything, every run once, one tidy table."""

import itertools
import json
import os
import re
import signal
import subprocess
import sys

import psutil
import pytest

from ddbook.press.collect import collect
from ddbook.press.executors import Executor
from ddbook.press.grid import expand, read_grid
from ddbook.press.parameters import read_schema
from ddbook.press.sweep import plan_sweep, run_sweep
from ddlib.files import InputError
from tests.ddbook.press.notebooks import project, started, swept, write
from tests.ddbook.press.waiting import wait_for


@pytest.fixture
def house(tmp_path):
    """A project with the notebook; whatever still waits in it at the end of a test is let go."""
    swept(tmp_path)
    yield tmp_path
    for hold in tmp_path.glob("hold*"):
        hold.unlink()


def begin(root, *options):
    """Start ``ddbook sweep`` in a process group of its own, with its output in a file."""
    command = [sys.executable, "-m", "ddbook", "sweep", "notebooks/01_small.ipynb", "--profile", "smoke", *options]
    with (root / "output").open("wb") as output:
        return subprocess.Popen(command, cwd=root, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)


def finish(root, process):
    return process.wait(timeout=300), (root / "output").read_text()


def home(root):
    return root / "_build" / "sweeps" / "01_small-smoke"


def test_every_run_finishes_once_whatever_ends_the_engine_and_failed_runs_are_listed_and_redone_alone(house):
    grid = ["--grid", "seed=0,1", "--grid", "ipc=10", "--cores", "2"]
    (house / "hold0").touch()
    (house / "bad1").touch()
    process = begin(house, *grid)
    wait_for((home(house) / "seed=1+ipc=10" / "run.failed.json").exists)
    wait_for(lambda: "0 10" in started(house))
    for part in [*psutil.Process(process.pid).children(), process]:  # Snakemake and we are killed, the run goes on
        part.kill()
    process.wait()
    process = begin(house, *grid)
    wait_for(lambda: "Waiting for 1 run of this sweep" in (house / "output").read_text())
    refused(house, ["seed=0,1", "ipc=10"], r"another sweep is running in .*: wait until it has ended")
    (house / "hold0").unlink()
    status, output = finish(house, process)
    assert status == 1
    assert "seed=1+ipc=10: notebooks/01_small.ipynb failed in cell 4 of 4, under “A small notebook”" in output
    assert "AssertionError: unlucky" in output
    assert "1 of 2 runs finished, 1 failed" in output
    assert started(house) == ["0 10", "1 10", "1 10"]
    refused(house, ["seed=1,2", "ipc=10"], r"holds the finished run seed=0\+ipc=10, which this grid leaves out: add")
    refused(house, ["seed=0..2"], r"with another set of -p: none, not scale=2.0; give another folder", scale="2")

    (house / "bad1").unlink()
    (house / "hold2").touch()
    first = (home(house) / "seed=0+ipc=10" / "run.json").read_bytes()
    grid[1] = "seed=2,0,1"
    process = begin(house, *grid)
    wait_for((home(house) / "seed=1+ipc=10" / "run.json").exists)
    wait_for(lambda: "2 10" in started(house))
    os.killpg(process.pid, signal.SIGINT)
    status, output = finish(house, process)
    assert status == 130
    assert "seed=2+ipc=10: notebooks/01_small.ipynb was interrupted" in output
    assert "2 of 3 runs finished" in output
    assert len((home(house) / "scores.csv").read_text().splitlines()) == 1 + 2 * 2

    process = begin(house, *grid)
    wait_for(lambda: started(house).count("2 10") == 2)
    os.killpg(process.pid, signal.SIGKILL)  # this time, the run too
    process.wait()
    (house / "hold2").unlink()
    status, output = finish(house, begin(house, *grid))
    assert status == 0, output
    assert "3 of 3 runs finished" in output
    assert started(house) == ["0 10", *["1 10"] * 3, *["2 10"] * 3]
    assert (home(house) / "seed=0+ipc=10" / "run.json").read_bytes() == first
    assert (home(house) / "scores.csv").read_text().splitlines() == [
        "grid_seed,ipc,seed,score",  # the table has a column seed of its own
        *(f"{s},10,{row},{score!r}" for s in (2, 0, 1) for row, score in enumerate([s / 3, 10 / 7])),
    ]
    assert (home(house) / "numbers.csv").read_text().splitlines() == [
        "seed,ipc,name,value,low,high,n,unit",
        *(f"{s},10,score,{s / 3 + 10 / 7!r},0.1,,2," for s in (2, 0, 1)),
    ]


def refused(root, grid, text, **given):
    with pytest.raises(InputError, match=text):
        run_sweep(plan_sweep(root / "notebooks" / "01_small.ipynb", grid, "smoke", given), Executor())


def planned(root):
    """How many of two runs are to be done, by our account and by Snakemake's, which has to agree; and what Snakemake said."""
    status, output = finish(root, begin(root, "--grid", "seed=0,1", "--snakemake=--dry-run"))
    said = (home(root) / "snakemake.log").read_text()
    due = 2 - int(re.findall(r"(\d) of 2 runs finished", output)[-1])
    assert re.findall(r"^run +(\d+)$", said, re.MULTILINE)[0] == str(due)
    assert status == 1
    return due, said


def test_runs_are_redone_when_code_or_parameters_changed_and_ask_for_what_was_measured(house):
    notebook, profile = house / "notebooks" / "01_small.ipynb", house / "notebooks" / "profiles" / "smoke.yml"
    assert finish(house, begin(house, "--grid", "seed=0"))[0] == 0
    run = home(house) / "seed=0" / "run.json"
    due, said = planned(house)
    assert due == 1
    wanted = 1.5 * json.loads(run.read_text())["peak_memory_bytes"] / 1e6 + 1000
    needs = json.loads((home(house) / "sweep.json").read_text())["needs"]
    assert wanted <= needs["mem_mb"] < wanted + 100
    assert f"mem_mb={needs['mem_mb']}" in said
    assert ", gpu=" not in said

    before = notebook.read_text()
    write(notebook, "x = 2", parameters="seed: int = 0  # seed\ndevice: str = 'cpu'  # where")
    assert planned(house)[0] == 2
    notebook.write_text(before)  # whatever its time is now: the run is of this very code
    assert planned(house)[0] == 1
    numbers = run.parent / "results" / "numbers.json"
    recorded = numbers.read_text()
    numbers.write_text(recorded.replace("1", "2"))
    assert planned(house)[0] == 2
    numbers.write_text(recorded)
    profile.write_text("01_small: {scale: 2.0, device: cuda}")
    due, said = planned(house)
    assert due == 2
    assert ", gpu=1" in said


SCHEMA = """\
seed: int = 0  # seed
ipc: list[int] = [10]  # budgets
masses: list[float] = [0.3]  # probabilities
label: str = "x"  # a name
names: list[str] = ["a"]  # names
limit: float | None = None  # an upper end
flag: bool = False  # whether"""


@pytest.fixture(scope="module")
def typed(tmp_path_factory):
    return write(project(tmp_path_factory.mktemp("typed")) / "notebooks" / "01_small.ipynb", "x = 1", parameters=SCHEMA)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("seed=3", [3]),
        ("seed=0..3,7", [0, 1, 2, 3, 7]),
        ("seed=-2..-1", [-2, -1]),
        ("ipc=10,20,50,100", [[10], [20], [50], [100]]),
        ("ipc=1..3", [[1], [2], [3]]),
        ("ipc=[10, 20],[50],[]", [[10, 20], [50], []]),
        ("masses=1e-3,1", [[0.001], [1.0]]),
        ("label=a..b, c", ["a..b", "c"]),
        ("names=Poisson,[a,b]", [["Poisson"], ["a", "b"]]),
        ("limit=None,2", [None, 2.0]),
        ("flag=true,False", [True, False]),
    ],
)
def test_values_are_read_as_the_parameters_cell_types_them(typed, text, values):
    found = read_grid(read_schema(typed), [text])
    assert found == {text.partition("=")[0]: values}
    assert len(expand(found)) == len(values)


def test_all_combinations_are_run_and_a_larger_grid_keeps_their_names():
    small = expand({"seed": [0, 1], "names": [["a b"], ["a"]]})
    large = expand({"seed": [1, 0, 2], "names": [["a"], ["x", "y"], ["a b"]]})
    assert list(small.values()) == [{"seed": s, "names": n} for s, n in itertools.product([0, 1], [["a b"], ["a"]])]
    assert small.items() <= large.items()
    assert len(large) == 9
    assert "seed=1+names=a" in small


@pytest.mark.parametrize(
    ("grid", "given", "text"),
    [
        ([], {}, r"a sweep needs a grid: write for example --grid seed=0\.\.9"),
        (["seed"], {}, r"--grid 'seed' is not of the form name=values"),
        (["sede=1"], {}, r"no parameter 'sede': did you mean 'seed'\?"),
        (["seed="], {}, r"--grid 'seed=' has an empty value"),
        (["seed=1,,2"], {}, r"has an empty value"),
        (["seed=1,soon"], {}, r"seed is 'soon', but must be a whole number \(seed\)"),
        (["seed=1.5"], {}, r"seed is 1.5, but must be a whole number"),
        (["seed=5..2"], {}, r"the range 5\.\.2 of seed is empty: write the smaller number first"),
        (["masses=0..2"], {}, r"masses\[0\] is '0\.\.2', but masses must be a list, each a number"),
        (["ipc=10,many"], {}, r"ipc\[0\] is 'many', but ipc must be a list, each a whole number \(budgets\)"),
        (["seed=0..3,2"], {}, r"gives seed the value 2 twice"),
        (["ipc=10,[10]"], {}, r"gives ipc the value 10 twice"),
        (["seed=1", "seed=2"], {}, r"gives 'seed' twice: give all its values at once"),
        (["seed=1,2"], {"seed": "3"}, r"'seed' is given by both --grid and -p"),
        (["seed=1,2"], {"label": "y", "ipc": "x"}, r"-p: ipc is 'x', but must be a list"),
        (["seed=0..999999999999999999"], {}, r"at least 1,000,000,000,000,000,000 runs, and at most 10,000"),
        (["seed=0..999", "ipc=1..11"], {}, r"at least 11,000 runs, and at most 10,000 are allowed"),
    ],
)
def test_a_wrong_grid_is_refused_before_anything_starts(typed, grid, given, text):
    with pytest.raises(InputError, match=text):
        plan_sweep(typed, grid, "smoke", given)
    assert not (typed.parents[1] / "_build").exists()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--jobs", "3"], "--jobs is not for the executor local: --cores is"),
        (["--cores", "0"], "0 runs side by side are none"),
        (["--executor", "slurm", "--cores", "3"], "--cores is not for the executor slurm: --jobs is"),
        (
            ["--executor", "slrm"],
            "there is no executor 'slrm' here: install its plugin, pip install snakemake-executor-plugin-slrm",
        ),
        (["--snakemake", "--config 'a"], "cannot be split into words (No closing quotation)"),
        (["--out", "notebooks"], "holds files that are no sweep of ddlib: give an empty or new folder"),
        (["--out", "pyproject.toml"], "is a file: give a folder for --out"),
    ],
)
def test_options_that_cannot_work_are_one_sentence(house, options, text, capsys, monkeypatch):
    from ddbook.__main__ import main

    monkeypatch.chdir(house)
    monkeypatch.setattr(sys, "argv", ["ddbook", "sweep", "notebooks/01_small.ipynb", "--grid", "seed=1", *options])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert text in capsys.readouterr().err.replace("\n", " ")
    assert not (house / "_build").exists()


def test_tables_hold_every_row_of_every_run_with_all_its_digits(tmp_path):
    def result(run, name, text):
        path = tmp_path / run / "results" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    result("a", "scores.csv", "seed,score\n0,0.10000000000000000555\n1,NA\n")
    result("b", "scores.csv", 'seed,method,score\n0,"x, y",1e-300\n')
    result("b", "empty.csv", "\n")
    result("b", "only_b.csv", "v\n007\n")
    result("a", "numbers.json", '{"gap": {"value": 0.10, "low": null, "high": 1e400, "n": 3, "unit": "nats"}}')
    result("b", "numbers.json", "{}")
    written = collect(tmp_path, {"b": {"seed": 5, "ipc": [10, 20]}, "a": {"seed": 4, "ipc": [10]}})
    assert [path.name for path in written] == ["numbers.csv", "only_b.csv", "scores.csv"]
    assert (tmp_path / "scores.csv").read_text().splitlines() == [
        "grid_seed,ipc,seed,method,score",
        '5,"[10, 20]",0,"x, y",1e-300',
        "4,10,0,,0.10000000000000000555",
        "4,10,1,,NA",
    ]
    assert (tmp_path / "only_b.csv").read_text() == 'seed,ipc,v\n5,"[10, 20]",007\n'
    assert (tmp_path / "numbers.csv").read_text() == "seed,ipc,name,value,low,high,n,unit\n4,10,gap,0.10,,1e400,3,nats\n"
    (tmp_path / "mine.csv").touch()
    assert [path.name for path in collect(tmp_path, {"a": {"seed": 4}})] == ["numbers.csv", "scores.csv"]
    assert {path.name for path in tmp_path.glob("*.csv")} == {"mine.csv", "numbers.csv", "scores.csv"}
