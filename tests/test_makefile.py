"""Which Python the Makefile takes, tried with stand-ins that only say what they were asked to do."""

import os
import shutil
import subprocess

import pytest

from tests import ROOT


@pytest.fixture
def house(tmp_path):
    """A project whose environment is there, made by a Python 3.11.1."""
    for name in ("requirements.lock", "pyproject.toml", "ddbook/pyproject.toml", ".venv/bin/python"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (0, 0))
    shutil.copyfile(ROOT / "Makefile", tmp_path / "Makefile")
    (tmp_path / ".venv" / "installed").touch()
    python(tmp_path / ".venv" / "bin" / "python", "3.11.1")
    return tmp_path


def python(path, version):
    path.write_text(f'#!/bin/sh\n[ "$1" = -c ] || echo "asked to $@"\ncase "$2" in *print*) echo {version};; esac\n')
    path.chmod(0o755)
    return path


def make(root, *words):
    variables = {name: value for name, value in os.environ.items() if name not in ("PYTHON", "MAKEFLAGS")}
    done = subprocess.run(["make", *words, "claims"], cwd=root, env=variables, capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize(("version", "anew"), [("3.11.1", False), ("3.12.0", True), ("3.11.2", True)])
def test_another_python_that_was_asked_for_makes_the_environment_anew(house, tmp_path, version, anew):
    other = python(tmp_path / "other", version)
    assert ("asked to -m venv --clear .venv" in make(house, f"PYTHON={other}")) == anew
    assert "asked to" not in make(house) or anew  # what was begun anew has to be finished


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_a_python_that_is_not_there_changes_nothing(house):
    said = make(house, "PYTHON=./missing")
    assert "needs Python 3.11" in said
    assert "asked to" not in make(house)
