"""A real Slurm on this machine for the time of a test: munge, controller and one node with two cores, on loopback, in one folder.
The node says that it has two GPUs.

Debian's packages ``slurmctld slurmd slurm-client munge`` are enough, without systemd and without a database. It needs root, because
``slurmd`` does.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.ddbook.press.waiting import wait_for

CONFIGURATION = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={home}/munge/sock
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmctldPort={controller}
SlurmdPort={node}
StateSaveLocation={home}/state
SlurmdSpoolDir={home}/spool
SlurmctldPidFile={home}/slurmctld.pid
SlurmdPidFile={home}/slurmd.pid
SlurmctldLogFile={home}/log/slurmctld.log
SlurmdLogFile={home}/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=batch_sched_delay=0,sched_min_interval=100000,sched_interval=2,bf_interval=2
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
JobCompType=jobcomp/filetxt
JobCompLoc={home}/log/jobcomp.txt
MinJobAge=3600
GresTypes=gpu
ReturnToService=2
KillWait=5
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory=4000 Gres=gpu:2 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""
PROGRAMS = ("slurmctld", "slurmd", "munged", "squeue")
available = pytest.mark.skipif(
    os.geteuid() != 0 or not all(shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") for name in PROGRAMS),
    reason="no Slurm: as root, apt-get install slurmctld slurmd slurm-client munge",
)
OPTIONS = (
    "--slurm-init-seconds-before-status-checks 6 --seconds-between-status-checks 1 --latency-wait 5 "
    "--default-resources slurm_partition=main"
)
"""Options for Snakemake, which by default looks every 40 seconds."""


@contextlib.contextmanager
def cluster(home: Path) -> Iterator[None]:
    """Run Slurm in a folder, with the environment set so that its commands find it."""
    for name in ("munge", "state", "spool", "log", "bin"):
        (home / name).mkdir(parents=True, mode=0o755)
    key = home / "munge" / "key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o600)
    configuration = home / "slurm.conf"
    host = socket.gethostname().partition(".")[0]
    controller, node = _free_ports(2)
    cores = min(2, os.cpu_count() or 1)
    configuration.write_text(CONFIGURATION.format(home=home, host=host, controller=controller, node=node, cores=cores))
    (home / "gres.conf").write_text(
        "Name=gpu File=/dev/null\nName=gpu File=/dev/zero\n"
    )  # two GPUs, for the asking: any device will do
    # the plugin takes SLURM_CONF away from the srun inside a job: that one reads it here
    srun = home / "bin" / "srun"
    srun.write_text(f'#!/bin/sh\nSLURM_CONF={configuration} exec {shutil.which("srun")} "$@"\n')
    srun.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch, contextlib.ExitStack() as running:
        patch.setenv("PATH", f"{home}/bin:{os.environ['PATH']}:/usr/sbin")
        patch.setenv("SLURM_CONF", str(configuration))
        running.callback(_end, home)
        munge = [f"--{name}-file={home}/munge/{name}" for name in ("key", "pid", "log", "seed")]
        _ask("munged", "--force", f"--socket={home}/munge/sock", *munge)
        _ask("slurmctld", "-i", "-c", "-f", str(configuration))
        _ask("slurmd", "-f", str(configuration))
        wait_for(lambda: _ask("sinfo", "--noheader", "--format=%T") == "idle")
        yield
        _ask("scancel", "--user=root")


def jobs(states: str = "pending,running,completing") -> list[tuple[str, str]]:
    """Number and comment of the jobs in some states; the comment of a sweep's job ends with the name of its run."""
    lines = _ask("squeue", "--noheader", f"--states={states}", "--format=%i %k").splitlines()
    return [(number, comment) for number, _, comment in (line.partition(" ") for line in lines)]


def asked(number: str) -> str:
    """All that Slurm knows of a job."""
    return _ask("scontrol", "show", "job", number)


def cancel(number: str) -> None:
    """End one job."""
    _ask("scancel", number)


def drain(on: bool) -> None:
    """Let the node take no more jobs, or take them again."""
    change = ["State=DRAIN", "Reason=test"] if on else ["State=RESUME"]
    _ask("scontrol", "update", f"NodeName={socket.gethostname().partition('.')[0]}", *change)


def _ask(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done.stdout.strip()


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for part in sockets:
            part.bind(("127.0.0.1", 0))
        return [part.getsockname()[1] for part in sockets]


def _end(home: Path) -> None:
    """End the three programs by their process ids, and wait until they are gone."""
    for path in (home / "slurmd.pid", home / "slurmctld.pid", home / "munge" / "pid"):
        with contextlib.suppress(OSError, ValueError, psutil.Error):
            process = psutil.Process(int(path.read_text()))
            process.send_signal(signal.SIGTERM)
            psutil.wait_procs([process], timeout=20)
