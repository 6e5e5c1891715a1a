"""The entry point of ``ddbook``: a package that is missing is one sentence, never a traceback."""

import subprocess
import sys

import pytest
from typer.main import get_command

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
