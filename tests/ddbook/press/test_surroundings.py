"""A run is the same whatever a user has set, and wherever it lies."""

import json
import os
import resource
import subprocess
import sys

import nbformat
import pytest

from ddbook.press.run import message, run
from ddbook.press.surroundings import neutral, recorded
from tests.ddbook.press.notebooks import project, write

pytestmark = pytest.mark.notebook
LOOK = """\
from ddbook.kit.figures import use_style
use_style()
import matplotlib as mpl, sys
print(mpl.rcParams["axes.facecolor"], mpl.rcParams["image.cmap"], __debug__, sys.warnoptions, sys.flags.utf8_mode)
print([name for name in ("startup", "configured", "profiled") if name in globals()])"""


def text(root, number=-1):
    notebook = nbformat.read(root / "_build" / "manual" / "runs" / "01_small" / "notebook.ipynb", as_version=4)
    return "".join(output.get("text", "") for output in notebook.cells[number].outputs)


def command(root, variables=None, **options):
    line = [sys.executable, "-m", "ddbook", "run", "notebooks/01_small.ipynb"]
    environment = os.environ | (variables or {})
    return subprocess.run(line, cwd=root, env=environment, capture_output=True, timeout=240, **options)


def written(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return str(path)


def test_no_setting_of_a_user_reaches_a_run(tmp_path):
    root, home = project(tmp_path / "project"), tmp_path / "home"
    write(root / "notebooks" / "01_small.ipynb", LOOK)
    style = "axes.facecolor: red\nimage.cmap: gray"
    written(root / "notebooks" / "matplotlibrc", style)
    written(home / ".config" / "matplotlib" / "matplotlibrc", style)
    written(home / ".ipython" / "profile_default" / "startup" / "a.py", "profiled = 1")
    config = "c.InteractiveShellApp.exec_lines = ['configured = 1']"
    written(home / ".ipython" / "profile_default" / "ipython_config.py", config)
    hostile = {
        "HOME": str(home),
        "MATPLOTLIBRC": written(home / "matplotlibrc", style),
        "MPLBACKEND": "TkAgg",
        "IPYTHONDIR": str(home / ".ipython"),
        "JUPYTER_CONFIG_DIR": str(home / ".ipython" / "profile_default"),
        "PYTHONSTARTUP": written(home / "start.py", "startup = 1"),
        "PYTHONOPTIMIZE": "2",
        "PYTHONWARNINGS": "ignore",
        "MKL_NUM_THREADS": "1",
    }
    done = command(root, hostile)
    assert done.returncode == 0, done.stderr.decode()
    assert text(root) == "white viridis True [] 1\n[]\n"
    record = json.loads((root / "_build" / "manual" / "runs" / "01_small" / "run.json").read_text())
    assert record["environment"]["MKL_NUM_THREADS"] == "1"


def test_variables_that_find_packages_stay_and_others_of_a_user_go():
    given = {"PYTHONPATH": "a", "PYTHONOPTIMIZE": "1", "PYTHONIOENCODING": "ascii", "JUPYTER_PATH": "b", "HOME": "c"}
    assert neutral(given) == {"PYTHONPATH": "a", "HOME": "c"}


def test_what_changes_how_things_are_computed_is_recorded_and_nothing_that_names_a_place():
    given = {
        "OPENBLAS_NUM_THREADS": "3",
        "MKL_CBWR": "AVX2",
        "CUDA_VISIBLE_DEVICES": "",
        "TORCH_HOME": "/a",
        "OMP_PATH": "b",
        "X": "y",
    }
    assert recorded(given) == {"CUDA_VISIBLE_DEVICES": "", "MKL_CBWR": "AVX2", "OPENBLAS_NUM_THREADS": "3"}


def test_a_home_that_cannot_be_written_to_is_no_obstacle(tmp_path):
    write(project(tmp_path) / "notebooks" / "01_small.ipynb", "import matplotlib.pyplot as plt\nplt.plot([1])\nplt.close()")
    nowhere = written(tmp_path / "file", "")
    done = command(tmp_path, {"HOME": nowhere, "XDG_CACHE_HOME": f"{nowhere}/cache", "XDG_CONFIG_HOME": f"{nowhere}/config"})
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.parametrize("name", ["a{b}c", "{}", "{0}", "two words", "it's", 'a"b', "100%", "αβγ", "$HOME", "a;b&c"])
def test_a_folder_may_have_any_name(tmp_path, name):
    write(project(tmp_path / name) / "notebooks" / "01_small.ipynb", "x = 1")
    record = run(tmp_path / name / "notebooks" / "01_small.ipynb", given={"label": "{seed}"}, say=lambda line: None)
    assert record.state == "ok", message(record)
    assert (tmp_path / name / "_build" / "manual" / "runs" / "01_small" / "run.json").exists()


@pytest.mark.parametrize("code", ["for i in range(20000): print(i, flush=True)", "for i in range(20000): print(i)"])
def test_however_much_a_cell_prints_nothing_of_it_is_lost(tmp_path, code):
    write(project(tmp_path) / "notebooks" / "01_small.ipynb", code)
    record = run(tmp_path / "notebooks" / "01_small.ipynb", say=lambda line: None)
    assert record.state == "ok", message(record)
    assert text(tmp_path) == "".join(f"{i}\n" for i in range(20000))


def test_messages_that_arrive_one_by_one_faster_than_they_are_read_are_not_lost(tmp_path):
    code = "from IPython.display import display\nfor i in range(5000): display(i)"
    write(project(tmp_path) / "notebooks" / "01_small.ipynb", code)
    record = run(tmp_path / "notebooks" / "01_small.ipynb", say=lambda line: None)
    assert record.state == "ok", message(record)
    notebook = nbformat.read(tmp_path / "_build" / "manual" / "runs" / "01_small" / "notebook.ipynb", as_version=4)
    assert [output.data["text/plain"] for output in notebook.cells[-1].outputs] == [str(i) for i in range(5000)]


def test_what_is_printed_stays_before_the_figure_that_follows_it(tmp_path):
    code = "from IPython.display import display\nfor i in range(20):\n    print('p', i, flush=True)\n    display(i)"
    write(project(tmp_path) / "notebooks" / "01_small.ipynb", code)
    run(tmp_path / "notebooks" / "01_small.ipynb", say=lambda line: None)
    notebook = nbformat.read(tmp_path / "_build" / "manual" / "runs" / "01_small" / "notebook.ipynb", as_version=4)
    outputs = [output.get("text", "").strip() or output.data["text/plain"] for output in notebook.cells[-1].outputs]
    assert outputs == [word for i in range(20) for word in (f"p {i}", str(i))]


@pytest.mark.parametrize("encoding", [{"PYTHONIOENCODING": "ascii"}, {"PYTHONIOENCODING": "latin-1"}, {"LC_ALL": "POSIX"}])
def test_a_terminal_that_knows_few_characters_is_no_obstacle(tmp_path, encoding):
    write(project(tmp_path) / "notebooks" / "01_small.ipynb", "## The rate α → ∞", "print('α')")
    done = command(tmp_path, encoding)
    assert done.returncode == 0, done.stderr
    assert text(tmp_path) == "α\n"


def test_a_reader_that_has_gone_does_not_stop_a_run(tmp_path):
    write(project(tmp_path) / "notebooks" / "01_small.ipynb", "x = 1")
    line = f"{sys.executable} -m ddbook run notebooks/01_small.ipynb 2>&1 | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], cwd=tmp_path, timeout=240)
    assert done.returncode == 0
    assert (tmp_path / "_build" / "manual" / "runs" / "01_small" / "run.json").exists()


def test_a_disk_that_takes_no_more_is_the_reason_of_a_failed_run(tmp_path):
    write(project(tmp_path) / "notebooks" / "01_small.ipynb", "print('x' * 2_000_000)")
    done = command(tmp_path, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000)))
    assert done.returncode == 1
    assert b"File too large" in done.stderr and b"Traceback" not in done.stderr
    record = json.loads((tmp_path / "_build" / "manual" / "runs" / "01_small" / "run.failed.json").read_text())
    assert record["state"] == "failed"


def test_a_disk_that_is_full_from_the_start_is_one_sentence(tmp_path):
    write(project(tmp_path) / "notebooks" / "01_small.ipynb", "x = 1")
    done = command(tmp_path, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)))
    assert done.returncode == 1
    assert done.stderr.count(b"\n") == 1 and b"File too large" in done.stderr
