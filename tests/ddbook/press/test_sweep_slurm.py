"""Sweeps on a real Slurm: nothing is lost or repeated when engine, job or node end, and the table is that of local cores."""

import os
import signal
import subprocess
import sys

import pytest

from tests.ddbook.press import slurm
from tests.ddbook.press.notebooks import started, swept
from tests.ddbook.press.waiting import wait_for

SLURM = ["-p", "device=cuda", "--executor", "slurm", "--jobs", "8", "--snakemake", slurm.OPTIONS]
pytestmark = [pytest.mark.slurm, slurm.available]


@pytest.fixture
def house(tmp_path):
    """A project with the notebook, and a cluster of one node."""
    swept(tmp_path)
    with slurm.cluster(tmp_path / "slurm"):
        yield tmp_path
        for hold in tmp_path.glob("hold*"):
            hold.unlink()


def begin(root, out, *options):
    command = [sys.executable, "-m", "ddbook", "sweep", "notebooks/01_small.ipynb", "--out", out, *options]
    with (root / "output").open("wb") as output:
        return subprocess.Popen(command, cwd=root, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)


def finish(root, process):
    return process.wait(timeout=300), (root / "output").read_text()


def test_each_run_is_done_once_through_everything_and_the_table_is_that_of_local_cores(house):
    grid = ["--grid", "seed=0..2", "--grid", "ipc=10"]
    for seed in range(3):
        (house / f"hold{seed}").touch()
    process = begin(house, "remote", *grid, *SLURM)
    wait_for(lambda: len(started(house)) == 2)  # as many as there are cores
    wait_for(lambda: len(slurm.jobs("pending")) == 1)
    running = {comment.rpartition("seed=")[2].partition("+")[0]: number for number, comment in slurm.jobs("running")}
    kept, cancelled = sorted(running)
    assert all(
        fact in slurm.asked(running[kept]) for fact in ("MinMemoryNode=4000M", "TimeLimit=02:00:00", "TresPerJob=gres:gpu:1")
    )
    (waiting,) = {"0", "1", "2"} - set(running)

    # the node is drained: what runs may end, what waits has to wait
    slurm.drain(True)
    slurm.cancel(running[cancelled])
    (house / f"hold{kept}").unlink()
    wait_for(lambda: not slurm.jobs("running,completing"))
    assert len(slurm.jobs("pending")) == 1
    assert (house / "remote" / f"seed={kept}+ipc=10" / "run.json").exists()
    slurm.drain(False)
    wait_for(lambda: f"{waiting} 10" in started(house))

    # Snakemake is killed, its job goes on
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert len(slurm.jobs("running")) == 1
    process = begin(house, "remote", *grid, *SLURM)
    wait_for(lambda: "Waiting for 1 run of this sweep" in (house / "output").read_text())
    for hold in house.glob("hold*"):
        hold.unlink()
    status, output = finish(house, process)
    assert status == 0, output
    assert "3 of 3 runs finished" in output
    assert started(house) == sorted(["0 10", "1 10", "2 10", f"{cancelled} 10"])

    status, output = finish(house, begin(house, "local", *grid, "--cores", "2"))
    assert status == 0, output
    for name in ("scores.csv", "numbers.csv"):
        assert (house / "remote" / name).read_bytes() == (house / "local" / name).read_bytes()
    assert len((house / "remote" / "scores.csv").read_text().splitlines()) == 1 + 3 * 2
