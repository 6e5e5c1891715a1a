"""The entry point of ``ddbook``: a package that is missing is one sentence, never a traceback."""

import subprocess
import sys

import pytest
from typer.main import get_command

import ddlib
from ddbook.__main__ import main
from ddbook.press.cli import app
from ddlib import cli


@pytest.mark.parametrize(("package", "words"), [("typer", []), ("papermill", ["run", "notebooks/01_one_dataset_many_tasks.ipynb"])])
def test_a_missing_package_is_one_sentence(package, words, tmp_path):
    code = (
        f"import sys; sys.modules[{package!r}] = None; sys.argv = ['ddbook', *{words!r}]; from ddbook.__main__ import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 2
    assert package in done.stderr and "pip install 'ddbook[book]'" in done.stderr and "Traceback" not in done.stderr


def test_the_words_that_the_library_sends_here_are_those_of_this_command():
    assert set(cli.STUDY) == set(get_command(app).commands)


@pytest.mark.parametrize(
    "words",
    [["rnu"], ["merge"], ["run"], ["claims", "--nope"], ["run", "x.ipynb", "--timeout", "x"], ["run", "no.ipynb"]],
)
def test_wrong_words_are_one_sentence(words, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["ddbook", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    printed = capsys.readouterr()
    assert ended.value.code == 2 and not printed.out
    assert printed.err.startswith("ddbook: ") and printed.err.count("\n") == 1


def test_the_version_and_help_are_given(capsys, monkeypatch):
    for words, said in ((["--version"], ddlib.__version__), ([], "sweep")):
        monkeypatch.setattr("sys.argv", ["ddbook", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code and said in capsys.readouterr().out
