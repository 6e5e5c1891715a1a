"""The settings of chapters 11 and 12, chosen without any label of the target tail.

Ranks all candidates of :mod:`ddbook.chapters.tails.opposite.selection` by their held-out risk on data that no table uses: geometric
means over six problems and ``--replicates`` data sets, 20 points each. Run it with ``python benchmarks/pinn_selection.py``; it
takes about a quarter of an hour on one core.

Outcome (three data sets a problem). Kernel matching: .078 for step size .03, 200 updates, penalty 1e-5, family "wide", which the
chapters take; the next are .081 (.02, 600, 1e-6, "shorter") and .083; the eighth is .088. Such differences are within the spread
over data sets: the choice among the best is of little consequence. Kernel distillation: .080 for step size .03, penalty 1e-4, .085
for .01, 1e-4, then .116.
"""

from __future__ import annotations

import argparse

import torch

from ddbook.chapters.tails.opposite.selection import FIRST_SEED, compare, distillation_candidates, matching_candidates, ranking
from ddbook.chapters.tails.opposite.setting import Setting
from ddlib.pinn import PROBLEMS


def main(budget: int, replicates: int, show: int) -> None:
    torch.set_num_threads(1)
    setting = Setting(replicates=replicates, seed=FIRST_SEED, budgets=(budget,))
    for name, candidates in {"kernel matching": matching_candidates, "kernel distillation": distillation_candidates}.items():
        order = ranking(compare(PROBLEMS.values(), candidates, setting))
        print(f"{name}, {len(order)} candidates, held-out risk:")
        for candidate, risk in order.head(show).items():
            print(f"  {risk:.4f}  {candidate}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", type=int, default=20, help="points of a set")
    parser.add_argument("--replicates", type=int, default=3, help="data sets for each problem")
    parser.add_argument("--show", type=int, default=8, help="how many of the best are printed")
    options = parser.parse_args()
    main(options.budget, options.replicates, options.show)
