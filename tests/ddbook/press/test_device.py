import subprocess
import sys

import pytest
import torch

from ddbook.press.device import check_device
from ddbook.press.executors import Executor
from ddbook.press.parameters import read_schema
from ddbook.press.run import run
from ddbook.press.sweep import plan_sweep, run_sweep
from ddbook.press.workflow import run_chapters
from ddlib.files import InputError
from tests import ROOT
from tests.ddbook.press.notebooks import project, write

PARAMETERS = """\
from typing import Literal
seed: int = 0  # seed
device: Literal["cpu", "cuda"] = "cpu"  # where torch computes"""


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    return write(project(tmp_path) / "notebooks" / "01_small.ipynb", "x = 1", parameters=PARAMETERS)


def test_a_gpu_that_is_not_there_is_refused_before_anything_starts(notebook, tmp_path):
    cuda = plan_sweep(notebook, ["device=cpu,cuda"], "smoke")  # planning is free: the runs may go to a cluster
    fixed = plan_sweep(notebook, ["seed=0,1"], "smoke", {"device": "cuda"})
    starts = [
        lambda: run(notebook, given={"device": "cuda"}),
        lambda: run_sweep(cuda, Executor()),
        lambda: run_sweep(fixed, Executor()),
        lambda: run_chapters(tmp_path, "smoke", 1, {"01_small": {"device": "cuda"}}),
    ]
    for start in starts:
        with pytest.raises(InputError, match=r"device is 'cuda' \(where torch computes\), but torch sees no GPU") as caught:
            start()
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "_build").exists()


def test_what_needs_no_gpu_or_has_one_goes_on(notebook, monkeypatch):
    schema = read_schema(notebook)
    check_device(schema, ["cpu"])
    check_device({"seed": schema["seed"]}, ["cuda"])
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    check_device(schema, ["cuda"])


def test_torch_is_imported_only_for_who_asks_for_a_gpu(notebook):
    code = f"""
import pathlib, sys
from ddbook.press.device import check_device
from ddbook.press.parameters import read_schema
check_device(read_schema(pathlib.Path({str(notebook)!r})), ["cpu"])
assert "torch" not in sys.modules"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
