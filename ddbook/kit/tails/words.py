"""How the chapters on tails call problems and write intervals."""

from __future__ import annotations

import numpy as np

from ddlib.statistics import estimate, median_coverage

LABELS = {
    "Poisson": "Poisson",
    "logistic": "logistic growth",
    "screened": "screened Poisson",
    "conduction": "nonlinear conduction",
    "Burgers": "steady Burgers",
    "wave": "Burgers wave",
}


def label(problem: str) -> str:
    """How tables and figures call a problem."""
    return LABELS.get(problem, problem)


def cell(found: np.ndarray) -> str:
    """Median, and its interval where there are several values.

    >>> cell(np.array([0.1, 0.2, 0.3]))
    '0.2 (0.1 to 0.3)'
    """
    middle = estimate(found, "median")
    return f"{middle.value:.2g}" + (f" ({middle.low:.2g} to {middle.high:.2g})" if middle.n > 1 else "")


def interval_note(replicates: int) -> str:
    """What the brackets of the tables and the bars of the figures are."""
    if replicates < 2:
        return "One seed: no interval."
    if replicates < 6:
        return (
            f"Medians over {replicates} seeds, with their range, which holds the median of all seeds with a probability of "
            f"{100 * median_coverage(replicates):.0f} %."
        )
    return f"Medians over {replicates} seeds with 95 % intervals."
