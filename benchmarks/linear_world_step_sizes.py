"""How the step sizes of chapter 02 were chosen: by the surrogate that the method itself descends.

From starts that the chapter does not show, with its default number of steps. Prints, for each task, method and step size, the
surrogate of the sets that the method ends at, relative to the least of its row (median over starts, the same draws for all); the
methods with one surrogate for both tasks are listed once. The chapter takes the size whose larger number over the two tasks is the
least.
Run it with ``python benchmarks/linear_world_step_sizes.py``; it takes a quarter of an hour on one core.
"""

from __future__ import annotations

from ddbook.chapters.methods_optimise.experiment import AWARE, BLIND, OWN, LinearWorld
from ddlib.lens import scores

WORLD = LinearWorld(seed=77, replicates=4)  # the chapter's seed is 0
SIZES = (0.1, 0.3, 1.0, 3.0)
SMALLER = (0.003, 0.01, 0.03, 0.1)  # the zeroth-order method divides by no moments: its steps have the scale of the risk


def main() -> None:
    for key, task in WORLD.tasks.items():
        for name in (*BLIND, *AWARE) if key == "ridge" else (*OWN, *AWARE):
            ends = {}
            for size in SMALLER if name == "zeroth_order" else SIZES:
                method = WORLD.method(name, size, key)
                try:
                    chosen = WORLD.run(method, WORLD.family if name in BLIND else task).distilled
                except (FloatingPointError, ValueError):
                    ends[size] = float("inf")
                    continue
                ends[size] = float(scores(method, task, chosen, WORLD.generator(1), 40 if name in BLIND else 1).detach().median())
            least = min(ends.values())
            found = "  ".join(f"{size:g}: {value / least:.4g}" for size, value in ends.items())
            print(f"{key:9} {name:26} {found}", flush=True)


if __name__ == "__main__":
    main()
