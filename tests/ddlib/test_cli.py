"""The command ``ddlib`` but for its merge, which :mod:`tests.ddlib.merge.test_files` tests."""

import os
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


@pytest.mark.parametrize("package", ["pandas", "rich", "torch"])
def test_a_missing_package_is_one_sentence(package):
    code = f"import sys; sys.modules[{package!r}] = None; import ddlib.cli; ddlib.cli.main()"
    words = ["merge", "a.csv", "b.csv", "--id", "p", "--time", "t", "-o", "o.csv"]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)
    assert done.returncode == 2 and f"the package {package}" in done.stderr and done.stderr.count("\n") == 1


def test_what_the_terminal_cannot_write_is_replaced(tmp_path):
    code = "from ddlib.console import say; say('written to \u2192 here')"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | {"PYTHONIOENCODING": "ascii"}
    )
    assert done.returncode == 0 and done.stdout == "written to ? here\n"


def test_a_reader_that_goes_away_is_no_error():
    code = "from ddlib.console import say\nfor _ in range(20000): say('x' * 100)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b"" and process.wait() == 0


def test_ctrl_c_is_one_word(capsys, monkeypatch):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "parser", interrupted)
    status, out, err = answer(capsys, "merge")
    assert (status, out, err) == (130, "", "Interrupted.\n")
