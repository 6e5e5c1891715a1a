"""How the default weight of the merge tool's prior was chosen: on populations that chapter 08 does not show.

Prints the regret of the merged estimate in nats per patient, for each weight in patients: the median and the mean of its logarithm
over populations, and on how many it is below plain maximum likelihood. Run it with ``python benchmarks/merge_prior.py``; it takes a
few minutes on one core. Geometric means over 15 populations, and how often the prior is better than none:

    weight                  0       0.5     1       2       4       8       16
    as in chapter 08        2.41    0.83    0.82    0.89    1.05    1.38    1.97    13, 12, 12, 10, 10, 10 of 15
    60 patients each        50.6    2.68    2.35    2.35    2.77    3.68    5.30    15, 15, 15, 15, 15, 13 of 15
    2000 patients each      0.321   0.245   0.259   0.294   0.357   0.455   0.624   7, 7, 8, 6, 6, 6 of 15

The tool's default is 2. One would do as well, and half a patient better where there are many; what matters is that it is not zero.
"""

from __future__ import annotations

import math

import pandas as pd

from ddbook.chapters.merge.tables.example import accuracy, example_hospitals
from ddlib.merge import merge

PRIORS = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
POPULATIONS = range(100, 115)  # the chapter's seeds begin at 0
SIZES = {"as in chapter 08": {}, "few patients": {"patients": 60}, "many patients": {"patients": 2000}}


def regrets(seed: int, sizes: dict[str, int]) -> list[float]:
    """The regret of one population with each weight of the prior."""
    example = example_hospitals(seed, **sizes)
    noise = dict.fromkeys(example.columns, example.noise)
    return [accuracy(merge(example.tables, "patient", "visit", noise=noise, prior=prior), example).regret for prior in PRIORS]


def main() -> None:
    for name, sizes in SIZES.items():
        scores = pd.DataFrame([regrets(seed, sizes) for seed in POPULATIONS], columns=list(PRIORS))
        table = pd.DataFrame(
            {
                "median": scores.median(),
                "geometric mean": scores.map(math.log).mean().map(math.exp),
                "better than 0": (scores.lt(scores[0.0], axis=0)).sum(),
            }
        )
        print(
            f"{name}, {len(scores)} populations\n{table.rename_axis('prior').to_string(float_format='{:.4f}'.format)}\n", flush=True
        )


if __name__ == "__main__":
    main()
