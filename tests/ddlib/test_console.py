"""What commands say arrives as far as the stream takes it, and never stops the work."""

import io
import os
import subprocess
import sys

import pytest

from ddlib.console import EXIT, say, show, speaking


def python(code, **options):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=120, **options)


@pytest.mark.parametrize("printed", ["say('α = 1')", "show('α = 1')", "say('α = 1', error=True)"])
@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_what_a_stream_cannot_write_is_replaced(printed, encoding):
    code = f"from ddlib.console import say, show; {printed}"
    done = python(code, env=os.environ | {"PYTHONIOENCODING": encoding})
    assert done.returncode == 0
    assert (done.stdout + done.stderr).decode(encoding).strip() == ("α = 1" if encoding == "utf-8" else "? = 1")


def test_bars_and_tables_say_what_a_stream_can_write():
    code = """
from rich.table import Table
from ddlib.console import show
from ddlib.progress import Bar
table = Table("α")
table.add_row("β")
show(table)
with Bar("γ", lines=True) as bar:
    bar.show("δ", 0.5)"""
    done = python(code, env=os.environ | {"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("stream", [None, io.StringIO()])
def test_a_stream_that_was_closed_is_no_error(stream, monkeypatch):
    if stream:
        stream.close()
    monkeypatch.setattr(sys, "stdout", stream)
    say("nobody hears this")
    show("nor this")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has a device that is always full")  # noqa: PTH110
def test_a_log_on_a_full_disk_is_no_error():
    code = "from ddlib.console import say, show\nsay('a')\nshow('b')\nimport sys\nsys.exit(7)"
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run([sys.executable, "-c", code], stdout=full, stderr=subprocess.PIPE, timeout=120)
    assert (done.returncode, done.stderr) == (7, b"")


@pytest.mark.parametrize("number", [28, 27, 30])
def test_a_full_disk_is_one_sentence_and_no_wrong_input(number, capsys):
    def answer():
        raise OSError(number, os.strerror(number), "/some/file")

    assert speaking("ddlib", answer) == EXIT["failed"]
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "/some/file" in said and os.strerror(number) in said


def test_an_error_of_the_program_is_not_hidden():
    def answer():
        raise FileNotFoundError(2, "no such file", "x")

    with pytest.raises(FileNotFoundError):
        speaking("ddlib", answer)
