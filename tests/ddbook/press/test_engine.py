"""Snakemake as we start it: no setting of a user, nothing in a home, and what it says when it stops."""

import os
import shutil
import signal
import subprocess
import sys

import pytest

from ddbook.press.engine import idle
from ddbook.press.profiles import chapters, profile_names
from ddbook.press.snapshot import code_files
from tests import ROOT
from tests.ddbook.press.notebooks import project, write
from tests.ddbook.press.waiting import wait_for

CHAPTER = "import pathlib, time\npathlib.Path('started').touch()\ntime.sleep(scale)"


@pytest.fixture
def house(tmp_path):
    """A project with the real Snakefile and one short chapter, in a folder with a difficult name."""
    root = project(tmp_path / "a {b} 100% 'é'")
    shutil.copyfile(ROOT / "Snakefile", root / "Snakefile")
    (root / "book").mkdir()
    shutil.copyfile(ROOT / "_config.yml", root / "_config.yml")
    write(root / "notebooks" / "01_small.ipynb", CHAPTER)
    return root


def begin(root, *options, target="run_chapters", variables=None, **popen):
    code = (
        "import sys; from pathlib import Path; from ddbook.press import workflow; from ddlib.console import speaking, say\n"
        f"print(workflow.{target}(Path(), 'smoke', 1, {{'01_small': {{'scale': {popen.pop('scale', '0.0')!r}}}}}, sys.argv[1:]))"
    )
    environment = os.environ | (variables or {})
    command = [sys.executable, "-c", code, *options]
    return subprocess.Popen(
        command, cwd=root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **popen
    )


def finish(process):
    output, _ = process.communicate(timeout=300)
    return process.returncode, output


def run_json(root):
    return root / "_build" / "smoke" / "runs" / "01_small" / "run.json"


@pytest.mark.notebook
def test_neither_a_home_that_cannot_be_written_to_nor_a_users_profile_of_snakemake_matters(house, tmp_path):
    (tmp_path / "file").write_text("")
    home = str(tmp_path / "file")
    for folder in (tmp_path / "mine", house / "profiles" / "default"):
        folder.mkdir(parents=True)
        (folder / "config.yaml").write_text("dry-run: true\n")
    variables = {
        "HOME": home,
        "XDG_CACHE_HOME": f"{home}/cache",
        "SNAKEMAKE_PROFILE": str(tmp_path / "mine"),
        "PYTHONOPTIMIZE": "1",
    }
    (house / "notebooks" / "._01_small.ipynb").write_bytes(b"\xff\x00")
    (house / "notebooks" / ".~lock.01_small.ipynb#").write_text("me")
    (house / "book" / ".#index.md").symlink_to("me@machine.123")
    status, output = finish(begin(house, variables=variables))
    assert status == 0, output
    assert run_json(house).exists()


@pytest.mark.notebook
def test_what_stops_snakemake_is_said(house):
    with (house / "Snakefile").open("a") as stream:
        stream.write("\nraise ValueError('a broken rule')\n")
    status, output = finish(begin(house))
    assert status == 1
    assert "a broken rule" in output.partition("The book was not built.")[2]


@pytest.mark.notebook
def test_what_only_tells_what_would_be_done_gives_no_address(house):
    status, output = finish(begin(house, "--dry-run", target="build_book"))
    assert status == 0, output
    assert output.splitlines()[-1] == "None"
    assert "01_small" in output
    assert not run_json(house).exists()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        *(
            ([option], True)
            for option in ("-n", "-np", "--dryrun", "--dag", "--summary", "-S", "--lint", "--list", "--touch", "--unlock")
        ),
        *(([option, "x"], True) for option in ("--until", "--omit-from", "--report", "--cleanup-metadata")),
        *((options, False) for options in ([], ["-R", "x"], ["--executor", "slurm"], ["--latency-wait", "3"], ["-p"], ["--bogus"])),
    ],
)
def test_options_that_do_not_build_the_book_are_known(options, expected):
    assert idle(options) == expected


@pytest.mark.notebook
@pytest.mark.parametrize(
    ("number", "ignored"),
    [(signal.SIGINT, None), (signal.SIGTERM, None), (signal.SIGHUP, None), (signal.SIGINT, signal.SIGINT)],
)
def test_a_signal_sent_to_the_command_alone_ends_what_it_has_started(house, number, ignored):
    process = begin(
        house,
        scale="300.0",
        start_new_session=True,
        preexec_fn=lambda: ignored and signal.signal(ignored, signal.SIG_IGN),
    )
    wait_for((house / "notebooks" / "started").exists, process)
    process.send_signal(number)
    status, output = finish(process)
    assert status == 1
    assert "notebooks/01_small.ipynb was interrupted" in output
    assert run_json(house).with_name("run.failed.json").exists()


def test_what_editors_and_systems_leave_beside_files_is_none_of_ours(tmp_path):
    root = project(tmp_path)
    write(root / "notebooks" / "01_small.ipynb", "x = 1")
    (root / "ddlib").mkdir()
    (root / "ddlib" / "code.py").write_text("")
    for name in ("notebooks/._01_small.ipynb", "notebooks/profiles/._smoke.yml", "ddlib/._code.py"):
        (root / name).write_bytes(b"\x00\x05\x16\x07")
    for name in ("notebooks/01_small.ipynb", "ddlib/code.py"):
        copy = root / name
        (copy.parent / ".ipynb_checkpoints").mkdir()
        shutil.copyfile(copy, copy.parent / ".ipynb_checkpoints" / copy.name)
    (root / "ddlib" / ".#code.py").symlink_to("me@machine.123")
    (root / "notebooks" / "02_gone.ipynb").symlink_to("nowhere")
    assert [path.name for path in chapters(root / "notebooks")] == ["01_small.ipynb"]
    assert profile_names(root / "notebooks") == ["smoke"]
    assert code_files(root) == [root / "ddlib" / "code.py"]
