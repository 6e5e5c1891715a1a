"""What training many physics-informed networks in one batch is worth, against DeepXDE training them one by one.

The published learner, 3 × 50 tanh units with data and residual at the set's own points, on the Poisson problem with 5, 10, 20 and
40 points, and 3 × 32 units with 20 and 200 points: 1, 16 and 128 networks per batch. Prints ratios per network: DeepXDE's time for
one iteration of one network, over a batch's time for one iteration divided by the number of its networks, both in the same
precision and timed in turn in one process with the same number of threads. Run it with ``python benchmarks/pinn_batches.py``; it
takes about two minutes on one core, ``--quick`` half a minute.

Outcome on one thread of a CPU with other work beside it (medians of three; ratios in double / single precision). Published learner:
5 points 2.8 / 3.2 alone, 26 / 34 in a batch of 16, 30 / 56 in one of 128; 10 points 3.5 / 3.8, 22 / 36, 25 / 43; 20 points
2.9 / 3.2, 15 / 24, 16 / 28; 40 points 3.7 / 3.4, 11 / 16, 11 / 18. Plain widths: 20 points 4.0 / 3.2, 25 / 26, 32 / 52; 200 points
3.1 / 3.7, 6 / 10, 6 / 12. A batch pays most where a set is small, because then DeepXDE's time is overhead.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from ddlib.pinn import FastTraining, Poisson, TanhNetwork
from ddlib.pinn.deepxde_bridge import load
from ddlib.pinn.learners.equations import equations
from ddlib.problem import Distilled

PROBLEM = Poisson()
SIZES = {"published": ((50, 50, 50), (5, 10, 20, 40)), "plain": ((32, 32, 32), (20, 200))}
BATCHES = {1: 60, 16: 20, 128: 5}  # networks, and the iterations that are timed
PRECISIONS = {"float64": torch.float64, "float32": torch.float32}


def timed(work: Callable[[], object], iterations: int) -> float:
    """Seconds of one iteration."""
    begin = time.perf_counter()
    work()
    return (time.perf_counter() - begin) / iterations


def in_precision(precision: str) -> Any:
    """DeepXDE, whose precision is global and announced when set."""
    with contextlib.redirect_stdout(io.StringIO()):
        load().config.set_default_float(precision)
    return load()


def one_by_one(widths: tuple[int, ...], points: int, precision: str, iterations: int = 50) -> Callable[[], float]:
    """DeepXDE on one network, ready to be timed."""
    dde = in_precision(precision)
    rng = np.random.default_rng(0)
    where = rng.uniform(-1, 1, (points, 2))
    labels = np.sin(np.pi * where[:, :1]) + where[:, 1:]
    geometry = dde.geometry.Rectangle([-1, -4], [1, 4])
    data = dde.data.PDE(
        geometry,
        lambda z, u: PROBLEM.deepxde(dde, z, u),
        [dde.icbc.PointSetBC(where, labels)],
        num_domain=0,
        anchors=where,
    )
    model = dde.Model(data, dde.nn.FNN([2, *widths, 1], "tanh", "Glorot uniform"))
    model.compile("adam", lr=1e-3, verbose=0)

    def measure() -> float:
        in_precision(precision)
        return timed(lambda: model.train(iterations=iterations, verbose=0, display_every=10**6), iterations)

    return measure


def in_a_batch(widths: tuple[int, ...], points: int, precision: str, count: int) -> Callable[[], float]:
    """As many networks in one batch, ready to be timed."""
    network, generator, dtype = TanhNetwork(widths), torch.Generator().manual_seed(0), PRECISIONS[precision]
    units = torch.rand(count, points, 2, generator=generator, dtype=torch.float64).to(dtype)
    rows = Distilled(units, torch.zeros_like(units[..., 0]), torch.ones_like(units[..., 0]))
    theta, asked = network.initial(rows, generator).to(dtype), equations(rows, at_set=1.0)
    training = FastTraining(BATCHES[count])
    return lambda: timed(lambda: training.run(network, PROBLEM, asked, theta), BATCHES[count])


def cases(quick: bool) -> Iterator[tuple[str, tuple[int, ...], int, str]]:
    """What is timed."""
    for name, (widths, sizes) in SIZES.items():
        for points in sizes:
            if not quick or (name == "published" and points in (5, 40)):
                yield from ((name, widths, points, precision) for precision in PRECISIONS if not quick or precision == "float64")


def main(repeats: int, quick: bool) -> None:
    torch.set_num_threads(1)
    for name, widths, points, precision in cases(quick):
        slow = one_by_one(widths, points, precision)
        fast = {count: in_a_batch(widths, points, precision, count) for count in BATCHES}
        for way in (slow, *fast.values()):
            way()  # the first call pays for what is set up once
        ratios: dict[int, list[float]] = {count: [] for count in BATCHES}
        alone = []
        for _ in range(repeats):
            alone.append(slow())
            for count, way in fast.items():
                ratios[count].append(alone[-1] * count / way())
        found = ", ".join(f"{count}: {statistics.median(each):.1f}" for count, each in ratios.items())
        spent = 1000 * statistics.median(alone)
        print(
            f"{name}, {points} points, {precision}: DeepXDE {spent:.2f} ms an iteration; ratios by batch size {found}", flush=True
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5, help="how often each way is timed")
    parser.add_argument("--quick", action="store_true", help="5 and 40 points in double precision only")
    options = parser.parse_args()
    main(options.repeats, options.quick)
