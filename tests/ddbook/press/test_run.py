"""Each end state by a notebook that does just that, and what is on the disk afterwards."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from types import SimpleNamespace

import nbformat
import papermill
import pytest

from ddbook.press.digests import file_digest
from ddbook.press.key import basis
from ddbook.press.run import message, run
from ddlib.files import InputError
from tests.ddbook.press.notebooks import project, write
from tests.ddbook.press.waiting import wait_for

pytestmark = pytest.mark.notebook
RECORD = "from ddbook.press import Recorder\nrecord = Recorder('01_small')\nrecord.number('answer', scale * seed)"


@pytest.fixture
def small(tmp_path):
    return lambda *cells: write(project(tmp_path) / "notebooks" / "01_small.ipynb", *cells)


def execute(notebook, **options):
    lines = []
    return run(notebook, say=lines.append, **options), lines


def begin(notebook, ignored=None):
    """Start a run as the shell does for the background, or ``nohup``: with a signal ignored."""
    return subprocess.Popen(
        [sys.executable, "-m", "ddbook", "run", str(notebook)],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: ignored and signal.signal(ignored, signal.SIG_IGN),
    )


def names(folder):
    return {path.name for path in folder.iterdir()}


def test_ok_leaves_everything_and_the_record_last(small, tmp_path):
    record, lines = execute(small("## The answer", RECORD), given={"seed": "4"})
    out = tmp_path / "_build" / "manual" / "runs" / "01_small"
    assert record.state == "ok"
    assert {"notebook.ipynb", "run.json", "results"} <= names(out)
    assert not {"notebook.part.ipynb", "notebook.failed.ipynb", "run.failed.json"} & names(out)
    assert json.loads((out / "results" / "numbers.json").read_text())["answer"]["value"] == 6.0
    written = json.loads((out / "run.json").read_text())
    assert written["parameters"] == {"seed": 4, "scale": 1.5, "sizes": [1, 2], "mode": "fast", "label": "x", "limit": None}
    assert written["seeds"] == [4]
    assert written["command"] == "ddbook run notebooks/01_small.ipynb -p seed=4"
    assert written["versions"]["papermill"] == papermill.__version__
    assert len(written["notebook_sha256"]) == len(written["code_sha256"]) == 64
    assert written["peak_memory_bytes"] > 10e6
    assert any("The answer" in line and "cell" in line for line in lines)
    assert nbformat.read(out / "notebook.ipynb", as_version=4).cells[-1].execution_count is not None


@pytest.mark.parametrize(
    ("state", "code", "options", "error"),
    [
        ("failed", "print('before')\n1 / 0", {}, "ZeroDivisionError: division by zero"),
        ("failed", "import sys; sys.exit(0)", {}, "SystemExit"),
        ("timeout", "import time; time.sleep(60)", {"timeout": 6}, "took longer than 6 seconds"),
        ("kernel_died", "import os; os.kill(os.getpid(), 9)", {}, "Kernel died"),
    ],
)
def test_a_run_that_does_not_finish_says_how_it_ended(small, tmp_path, state, code, options, error):
    record, _ = execute(small("## Good", "x = 1", "## Bad", code, "never = 1"), **options)
    out = tmp_path / "_build" / "manual" / "runs" / "01_small"
    assert record.state == state
    assert {"notebook.failed.ipynb", "run.failed.json"} <= names(out)
    assert not {"run.json", "notebook.ipynb", "notebook.part.ipynb"} & names(out)
    assert json.loads((out / "run.failed.json").read_text())["state"] == state
    text = message(record)
    assert "in cell 6 of 7" in text
    assert "“Bad”" in text
    assert code.splitlines()[0] in text
    assert error in text
    assert str(out / "notebook.failed.ipynb") in text


@pytest.mark.parametrize(
    ("number", "ignored"),
    [(signal.SIGTERM, None), (signal.SIGINT, None), (signal.SIGHUP, None), (signal.SIGINT, signal.SIGINT)],
    ids=["TERM", "INT", "HUP", "INT in the background"],
)
def test_a_signal_is_an_interruption_and_ends_the_kernel(small, tmp_path, number, ignored):
    notebook = small("import os, pathlib, time\npathlib.Path('pid').write_text(str(os.getpid()))\ntime.sleep(60)")
    process = begin(notebook, ignored)
    pid = notebook.parent / "pid"
    deadline = time.monotonic() + 60
    while not (pid.exists() and pid.read_text()) and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "was interrupted" in errors
    out = tmp_path / "_build" / "manual" / "runs" / "01_small"
    assert json.loads((out / "run.failed.json").read_text())["state"] == "interrupted"
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_before_the_kernel_starts_is_an_interruption_too(small, monkeypatch, number):
    from ddbook.press import run as module

    def slow(*arguments):
        os.kill(os.getpid(), number)
        return basis(*arguments)

    monkeypatch.setattr(module, "basis", slow)
    notebook = small("import pathlib\npathlib.Path('started').touch()")
    assert execute(notebook)[0].state == "interrupted"
    assert not (notebook.parent / "started").exists()


def test_under_nohup_a_terminal_that_is_closed_does_not_end_a_run(small, tmp_path):
    notebook = small("import os, pathlib, time\npathlib.Path('pid').touch()\ntime.sleep(3)")
    process = begin(notebook, signal.SIGHUP)
    wait_for((notebook.parent / "pid").exists, process)
    process.send_signal(signal.SIGHUP)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert (tmp_path / "_build" / "manual" / "runs" / "01_small" / "run.json").exists()


def test_a_finished_run_is_not_overwritten_without_force(small):
    notebook = small(RECORD)
    execute(notebook)
    with pytest.raises(InputError, match="holds a finished run: give --force"):
        execute(notebook)
    assert execute(notebook, force=True, given={"seed": "2"})[0].parameters["seed"] == 2


def test_a_failed_attempt_keeps_the_finished_run(small, tmp_path):
    notebook = small(RECORD, "assert seed < 9, 'too large'")
    execute(notebook, given={"seed": "3"})
    record, _ = execute(notebook, given={"seed": "9"}, force=True)
    runs = tmp_path / "_build" / "manual" / "runs"
    assert record.state == "failed"
    assert "too large" in message(record)
    assert json.loads((runs / "01_small" / "run.json").read_text())["parameters"]["seed"] == 3
    assert json.loads((runs / "01_small" / "results" / "numbers.json").read_text())["answer"]["value"] == 4.5
    assert (runs / "01_small.failed" / "notebook.failed.ipynb").exists()
    assert str(runs / "01_small.failed" / "notebook.failed.ipynb") in message(record)
    assert names(runs) == {"01_small", "01_small.failed"}


@pytest.mark.parametrize("asides", [["old"], ["new"], ["old", "new"]])
def test_a_crash_while_one_run_takes_the_place_of_another_loses_nothing(small, tmp_path, asides):
    """The newer run, in ``.new``, goes before the one that it was to replace; an archive may have dropped the hidden files."""
    notebook = small(RECORD)
    execute(notebook, given={"seed": "3"})
    runs = tmp_path / "_build" / "manual" / "runs"
    (runs / "01_small" / ".ddlib-run").unlink()
    for aside in asides:
        shutil.copytree(runs / "01_small", runs / f"01_small.{aside}")
    if len(asides) == 2:
        (runs / "01_small.old" / "run.json").write_text("{}")
    shutil.rmtree(runs / "01_small")
    with pytest.raises(InputError, match="holds a finished run"):
        execute(notebook)
    assert json.loads((runs / "01_small" / "run.json").read_text())["parameters"]["seed"] == 3


def test_a_crash_after_the_new_run_has_finished_loses_neither(small, tmp_path):
    notebook = small(RECORD)
    execute(notebook, given={"seed": "3"})
    runs = tmp_path / "_build" / "manual" / "runs"
    shutil.copytree(runs / "01_small", runs / "01_small.old")
    execute(notebook, given={"seed": "4"}, force=True)
    (runs / "01_small").rename(runs / "01_small.new")
    (runs / "01_small.old").rename(runs / "01_small") if (runs / "01_small.old").exists() else None
    with pytest.raises(InputError, match="holds a finished run"):
        execute(notebook)
    assert json.loads((runs / "01_small" / "run.json").read_text())["parameters"]["seed"] == 4


def test_the_kernel_is_this_interpreter_whatever_the_user_has_installed(small, tmp_path, monkeypatch):
    other = tmp_path / "jupyter" / "kernels" / "python3"
    other.mkdir(parents=True)
    (other / "kernel.json").write_text(json.dumps({"argv": ["/bin/false"], "display_name": "Python 3", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    assert execute(small(f"import sys\nassert sys.executable == {sys.executable!r}"))[0].state == "ok"


def test_a_port_that_was_free_and_is_taken_by_now_does_no_harm(small, monkeypatch):
    """Jupyter looks for free TCP ports and lets them go again; a kernel that starts at the same time may take them."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        first = iter([taken.getsockname()])

        class Chosen(socket.socket):
            def getsockname(self):
                return next(first, None) or super().getsockname()

        monkeypatch.setattr("jupyter_client.connect.socket", SimpleNamespace(**vars(socket) | {"socket": Chosen}))
        record, _ = execute(small("x = 1"))
    assert record.state == "ok", message(record)


def test_in_a_temporary_folder_whose_name_is_too_long_for_sockets_a_notebook_runs_all_the_same(small, tmp_path, monkeypatch):
    (tmp_path / ("x" * 100)).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / ("x" * 100)))
    record, _ = execute(small("x = 1"))
    assert record.state == "ok", message(record)
    assert not list((tmp_path / ("x" * 100)).iterdir())


def test_the_record_describes_the_notebook_that_was_started(small):
    edits = "import pathlib\npath = pathlib.Path('01_small.ipynb')\npath.write_text(path.read_text().replace('small', 'large'))"
    notebook = small(edits)
    before = file_digest(notebook)
    record, _ = execute(notebook)
    assert record.notebook_sha256 == before != file_digest(notebook)


def test_what_a_failed_run_left_is_cleared_by_the_next(small, tmp_path):
    notebook = small(RECORD, "assert seed == 0")
    execute(notebook, given={"seed": "1"})
    execute(notebook)
    assert "run.failed.json" not in names(tmp_path / "_build" / "manual" / "runs" / "01_small")


def test_a_folder_with_other_files_is_left_alone(small, tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="holds files that are no run"):
        execute(small(RECORD), out=mine)
    with pytest.raises(InputError, match="is a file"):
        execute(tmp_path / "notebooks" / "01_small.ipynb", out=mine / "thesis.txt")
    assert names(mine) == {"thesis.txt"}


@pytest.mark.parametrize("ending", ["new", "old", "failed"])
def test_a_folder_with_the_name_of_what_a_run_leaves_aside_is_refused(small, tmp_path, ending):
    with pytest.raises(InputError, match="ends otherwise"):
        execute(small(RECORD), out=tmp_path / f"mine.{ending}")


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf")])
def test_a_timeout_that_is_no_time_is_refused(small, timeout):
    with pytest.raises(InputError, match="give a positive number"):
        execute(small(RECORD), timeout=timeout)


def test_plain_papermill_runs_a_notebook_and_the_recorder_writes_beside(small, tmp_path, monkeypatch):
    monkeypatch.delenv("DDLIB_RUN_DIR", raising=False)
    notebook = small(RECORD)
    papermill.execute_notebook(notebook, tmp_path / "out.ipynb", {"seed": 2}, cwd=notebook.parent, progress_bar=False)
    numbers = tmp_path / "_build" / "manual" / "01_small" / "results" / "numbers.json"
    assert json.loads(numbers.read_text())["answer"]["value"] == 3.0


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["run", "nowhere.ipynb"], 2, "there is no notebook"),
        (["run", "notebooks/01_small.ipynb", "-p", "sede=1"], 2, "did you mean 'seed'"),
        (["run", "notebooks/01_small.ipynb", "--profile", "smokey"], 2, "did you mean 'smoke'"),
        (["run", "notebooks/01_small.ipynb", "-p", "seed=2"], 1, "AssertionError"),
        (["parameters", "notebooks/01_small.ipynb"], 0, "seed of all draws"),
        (["book", "--parameters", "01_small=3"], 2, "write chapter.name=value"),
        (["book", "--profile", "smoke", "--cores", "0"], 2, "give CORES=1 or more"),
    ],
)
def test_the_command_line_ends_with_the_documented_status(small, tmp_path, arguments, status, message):
    small("assert seed != 2")
    done = subprocess.run([sys.executable, "-m", "ddbook", *arguments], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == status, done.stderr
    assert message in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
