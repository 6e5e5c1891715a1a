"""What the replicate axis is worth: one unrolled update for 16 seeds in one batch against 16 updates of one seed each.

Ten points for a network of 64 hidden units on the digits, its 50 steps of training unrolled in whole. Prints the median over
repetitions of the time of the sequential updates relative to that of the batch; both are timed in turn in one process. Run it with
``python benchmarks/unrolled_batch.py``; it takes about a minute on one core.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch

from ddlib import datasets
from ddlib.learners import Network, TrainedNetwork, Training
from ddlib.methods import Unrolled
from ddlib.methods.descent import DescentState
from ddlib.problem import Distilled
from ddlib.tasks import ClassificationTask, Splits, class_labels, split

SEEDS, BUDGET, SIZES = 16, 10, (1000, 300, 497)
LEARNER = TrainedNetwork(Network((64,), scale=0.3), Training(50, 0.01))
METHOD = Unrolled(training=LEARNER.training)


def draw(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def alone(splits: Splits, seed: int) -> ClassificationTask:
    """The task of one seed."""
    return ClassificationTask(Splits(*(Distilled(*(part[seed : seed + 1] for part in data)) for data in splits)), LEARNER)


def seconds(tasks: list[ClassificationTask], states: list[DescentState]) -> float:
    """The time of one update of each task."""
    begin = time.perf_counter()
    for seed, (task, state) in enumerate(zip(tasks, states, strict=True)):
        METHOD.update(task, state, draw(seed))
    return time.perf_counter() - begin


def main(repeats: int) -> None:
    images = datasets.digits()
    splits = split(images.x, class_labels(images.label, 10), SIZES, SEEDS, draw(0))
    batch, sequential = [ClassificationTask(splits, LEARNER)], [alone(splits, seed) for seed in range(SEEDS)]
    ways = [(tasks, [METHOD.init(task, BUDGET, draw(seed)) for seed, task in enumerate(tasks)]) for tasks in (batch, sequential)]
    for way in ways:
        seconds(*way)  # the first call pays for what is set up once
    times = [[seconds(*way) for way in ways] for _ in range(repeats)]
    together, one_by_one = (statistics.median(column) for column in zip(*times, strict=True))
    ratio = statistics.median(slow / fast for fast, slow in times)
    print(f"{SEEDS} seeds in one batch: {together:.3f} s; one after another: {one_by_one:.3f} s; ratio {ratio:.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=15, help="how often both ways are timed")
    main(parser.parse_args().repeats)
