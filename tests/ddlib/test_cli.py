"""The command ``ddlib`` but for its merge, which :mod:`tests.ddlib.merge.test_files` tests."""

import subprocess
import sys

import pytest

import ddlib
from ddlib import cli


def answer(capsys, *words):
    with pytest.raises(SystemExit) as ended:
        cli.main(list(words))
    printed = capsys.readouterr()
    return ended.value.code or 0, printed.out, printed.err


@pytest.mark.parametrize("word", cli.STUDY)
def test_the_studys_words_are_answered_by_the_new_ones(capsys, word):
    status, out, err = answer(capsys, word, "--profile", "laptop")
    assert status == 2 and not out and f"ddbook {word}" in err and err.count("\n") == 1


def test_the_version_is_that_of_the_package(capsys):
    assert answer(capsys, "--version") == (0, f"ddlib {ddlib.__version__}\n", "")
    assert ddlib.__version__[0].isdigit()


def test_wrong_words_are_one_sentence(capsys):
    for words in (["merg"], ["merge", "a.csv"], ["merge", "a.csv", "--id", "p", "--time", "t", "-o", "o.csv", "--rows", "many"]):
        status, out, err = answer(capsys, *words)
        assert status == 2 and not out and err.startswith("ddlib: ") and err.count("\n") == 1


def test_help_needs_nothing_that_is_slow_to_load():
    slow = "sorted({'torch', 'numpy', 'pandas'} & set(sys.modules))"
    code = f"import sys, ddlib.cli\ntry: ddlib.cli.main(['--help'])\nfinally: print({slow})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0 and "merge" in done.stdout and done.stdout.endswith("[]\n")


def test_a_missing_package_is_one_sentence(capsys, monkeypatch):
    monkeypatch.setattr(cli.importlib.util, "find_spec", lambda name: None if name == "pandas" else object())
    status, _, err = answer(capsys, "merge", "a.csv", "b.csv", "--id", "p", "--time", "t", "-o", "o.csv")
    assert status == 2 and "pip install 'ddlib[merge]'" in err and err.count("\n") == 1
