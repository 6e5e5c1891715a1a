"""Seconds and memory of a merge: ``merge_bars.py speed``.

Everything runs in processes of its own, one after another. ``large`` is five hospitals of a thousand patients with five visits of
twenty columns, of which each lacks four, and a few per cent of the cells missing; ``pbcseq`` the Mayo Clinic's follow-up with 15
columns and up to 16 visits, in two halves; ``growth`` ten times the patients; ``threads`` one merge with ``OMP_NUM_THREADS`` 1,
2 and unset, the faster of two runs each. Seconds are on the clock, those of the processors stand beside them: a shared machine
shows in the difference.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from merge_bars_table import Bar, show
from merge_worlds import to_frame

PARTS = ("large", "pbcseq", "growth", "threads")
COMMAND = "import sys; from ddlib.cli import main; sys.exit(main())"
FIT = """
import json, sys, time
import pandas as pd
from ddlib.merge import merge
frames = {path: pd.read_parquet(path) for path in sys.argv[1:]}
marks, start = [], time.perf_counter()
merge(frames, "id", "time", progress=lambda text, share: marks.append((time.perf_counter(), text)))
end = time.perf_counter()
fitting = [i for i, (_, text) in enumerate(marks) if text.startswith("fitting:")]
after = next((moment for moment, text in marks[fitting[0]:] if not text.startswith("fitting:")), end)
print(json.dumps({"fit": after - marks[fitting[0] - 1][0], "merge": end - start}))
"""
"""Times a merge: the fit lasts from the end of reading to the first word on anything else."""


class Spent(NamedTuple):
    """What a process took: seconds on the clock and of the processors, peak gigabytes, and what it printed."""

    seconds: float
    processor: float
    gigabytes: float
    printed: str


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--patients", type=int, default=1000, help="of each of the five large hospitals")
    parser.add_argument("--missing", type=float, default=0.03, help="share of cells")
    parser.add_argument("--most", type=int, default=100_000, help="patients at the end of the growth, which begins at a tenth")
    parser.add_argument("--timeout", type=float, default=600, help="seconds after which a process is ended")


def run(given: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as place:
        for part in given.parts:
            folder = Path(place) / part
            folder.mkdir()
            show(globals()[f"_{part}"](given, folder))


def spend(command: list[str], timeout: float, threads: str | None = "1") -> Spent | str:
    """Run a process; a reason if it fails. ``threads`` is ``OMP_NUM_THREADS``, unset for none."""
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    environment |= {} if threads is None else {"OMP_NUM_THREADS": threads}
    with tempfile.TemporaryFile("w+") as output:
        start = time.perf_counter()
        process = subprocess.Popen([sys.executable, "-c", *command], env=environment, stdout=output, stderr=subprocess.STDOUT)
        stop = threading.Timer(timeout, process.kill)
        stop.start()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        stop.cancel()
        seconds = time.perf_counter() - start
        output.seek(0)
        printed = output.read()
    if process.returncode:
        return f"ended after {seconds:.0f} s: {' '.join(printed.split())[-200:]}"
    return Spent(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 2**20, printed)


def write(folder: Path, patients: int, columns: int, visits: int, lacking: int, missing: float) -> list[Path]:
    """Five hospitals as Parquet files: stationary columns with memory .6, in families that share a factor."""
    chance = np.random.default_rng(0)
    loadings = chance.normal(size=(3, columns))
    paths = []
    for k in range(5):
        values = np.empty((patients, visits, columns))
        for t in range(visits):
            shock = chance.normal(size=(patients, 3)) @ loadings + chance.normal(size=(patients, columns))
            values[:, t] = shock if t == 0 else 0.6 * values[:, t - 1] + 0.8 * shock
        values[..., chance.permutation(columns)[:lacking]] = np.nan
        values[chance.random(values.shape) < missing] = np.nan
        paths.append(folder / f"hospital_{k}_{patients}.parquet")
        to_frame(values, tuple(f"x{i:02d}" for i in range(columns)), k * patients).to_parquet(paths[-1])
    return paths


def whole(paths: list[Path], folder: Path, timeout: float) -> Spent | str:
    """The command ``ddlib merge``."""
    files = [str(path) for path in paths]
    return spend([COMMAND, "merge", *files, "--id", "id", "--time", "time", "-o", str(folder / "all.csv")], timeout, None)


def bar(name: str, found: Spent | str, limit: float) -> Bar:
    if isinstance(found, str):
        return Bar(name, None, limit, note=found)
    return Bar(name, found.seconds, limit, note=f"processors {found.processor:.1f} s, peak {found.gigabytes:.2f} GB")


def _large(given: argparse.Namespace, folder: Path) -> list[Bar]:
    paths = write(folder, given.patients, 20, 5, 4, given.missing)
    found = spend([FIT, *map(str, paths)], given.timeout, None)
    name, times = (
        "5 hospitals × 20 columns × 5 visits",
        {} if isinstance(found, str) else json.loads(found.printed.splitlines()[-1]),
    )
    command = whole(paths, folder, given.timeout)
    memory = None if isinstance(command, str) else command.gigabytes
    note = found if isinstance(found, str) else f"the merge in all {times['merge']:.1f} s"
    return [
        Bar(f"{name} × {given.patients} patients: fit, s", times.get("fit"), 10.0, note=note),
        bar(f"{name} × {given.patients} patients: command, s", command, 25.0),
        Bar(f"{name} × {given.patients} patients: peak, GB", memory, 1.5),
    ]


def _pbcseq(given: argparse.Namespace, folder: Path) -> list[Bar]:
    from ddlib.datasets import FOLLOW_UP, at_hand, fetch

    path = at_hand(FOLLOW_UP) or fetch(FOLLOW_UP.remote)
    if path.suffix != ".csv":
        return [
            Bar(
                "pbcseq: command, s", None, 25.0, note="the packaged file has other columns: set DDLIB_DATA_DIR to the CSV's folder"
            )
        ]
    table = pd.read_csv(path)
    table = table.assign(sex=(table.sex == "f").astype(float)).rename(columns={"day": "time"})
    table = table.drop(columns=["rownames", "futime", "status"])
    paths = [folder / "first.csv", folder / "second.csv"]
    for k, half in enumerate(paths):
        table[table.id % 2 == k].to_csv(half, index=False)
    most, columns = table.groupby("id").size().max(), len(table.columns) - 2
    return [bar(f"pbcseq, {most} visits × {columns} columns: command, s", whole(paths, folder, given.timeout), 25.0)]


def _growth(given: argparse.Namespace, folder: Path) -> list[Bar]:
    sizes = (given.most // 10, given.most)
    found = []
    for size in sizes:
        spent = spend([FIT, *map(str, write(folder, size // 5, 8, 4, 2, given.missing))], given.timeout)
        if isinstance(spent, str):
            return [Bar(f"{size} patients", None, 1.2, note=spent)]
        found.append((json.loads(spent.printed.splitlines()[-1])["merge"], spent.gigabytes))
    (small, low), (large, high) = found
    note = f"{small:.1f} s and {low:.2f} GB, then {large:.1f} s and {high:.2f} GB; 8 columns, 4 visits"
    return [Bar(f"seconds per patient, {sizes[1]} over {sizes[0]} patients", large / small * sizes[0] / sizes[1], 1.2, note=note)]


def _threads(given: argparse.Namespace, folder: Path) -> list[Bar]:
    paths = list(map(str, write(folder, max(given.patients // 5, 1), 20, 5, 4, given.missing)))
    times: dict[str, float] = {}
    for threads in ("1", "2", None) * 2:
        spent = spend([FIT, *paths], given.timeout, threads)
        if isinstance(spent, str):
            return [Bar("slowest over fastest number of threads", None, 1.5, note=spent)]
        seconds = json.loads(spent.printed.splitlines()[-1])["merge"]
        times[threads or "unset"] = min(seconds, times.get(threads or "unset", seconds))
    note = ", ".join(f"{name}: {seconds:.1f} s" for name, seconds in times.items())
    return [Bar("slowest over fastest number of threads", max(times.values()) / min(times.values()), 1.5, note=note)]
