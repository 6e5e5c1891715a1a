"""How the merge tool's cost grows with the number of patients: ratios within one run.

Five sources of 20 variables and 5 visits hide 4 variables each. Prints, for each number of patients in total, the time and the
memory of one EM iteration and of the grouping, all over those of the smallest number, with complete records and with 5 % of the
cells missing at random, where almost every patient has a pattern of their own. A ratio that grows as the number of patients, or
less, is a cost linear in patients. Run it with ``python benchmarks/merge_patients.py``; it takes less than a minute and less than
one gigabyte of memory on one core.
"""

from __future__ import annotations

import gc
import resource
import time
from collections.abc import Callable

import pandas as pd
import torch

from ddlib.dbn.model.generate import random_networks, sample
from ddlib.dbn.model.network import Dbn
from ddlib.merge.expectation import expect
from ddlib.merge.patterns import Group, group_patients

VARIABLES, VISITS, SOURCES, HIDDEN = 20, 5, 5, 4
PATIENTS = (1_000, 10_000, 100_000)
MISSING = (0.0, 0.05)


def records(truth: Dbn, patients: int, missing: float, draw: torch.Generator) -> torch.Tensor:
    """One source's measurements."""
    values = sample(truth, patients, VISITS, draw)[0]
    values[..., torch.randperm(VARIABLES, generator=draw)[:HIDDEN]] = torch.nan
    values[torch.rand(values.shape, generator=draw) < missing] = torch.nan
    return values


def seconds(work: Callable[[], object], times: int) -> float:
    """The shortest of several times."""
    found = []
    for _ in range(times):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return min(found)


def main() -> None:
    draw = torch.Generator().manual_seed(0)
    _, truth = random_networks(1, VARIABLES, draw)
    noise = torch.zeros(VARIABLES, dtype=torch.float64)
    rows = []
    for missing in MISSING:
        for patients in PATIENTS:
            sources = [records(truth, patients // SOURCES, missing, draw) for _ in range(SOURCES)]
            groups: list[Group] = []

            def gather(sources: list[torch.Tensor] = sources, groups: list[Group] = groups) -> None:
                groups[:] = [group for k, values in enumerate(sources) for group in group_patients(values, noise, k)]

            grouping = seconds(gather, 1)
            iteration = seconds(lambda groups=groups: expect(truth, groups, VISITS), 3)  # type: ignore[misc]
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            rows.append({"missing": missing, "patients": patients, "grouping": grouping, "iteration": iteration, "peak MB": memory})
            del sources, groups
            gc.collect()
    frame = pd.DataFrame(rows)
    for column in ("patients", "grouping", "iteration"):
        frame[f"{column} ×"] = frame[column] / frame.groupby("missing")[column].transform("first")
    print(frame.to_string(index=False, float_format=lambda value: f"{value:.3g}"))


if __name__ == "__main__":
    main()
