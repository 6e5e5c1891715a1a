"""How methods are drawn and called: one colour, marker, line and name for each, in every figure and table of the book.

Colours are Okabe and Ito's palette, which readers with any common colour-vision deficiency can tell apart; marker and line style
differ as well, so that figures read in grey print. Where variants of one idea stand together, the marker says the idea (a circle
for EM, a square for the first-order method) and the colour says the variant.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILION, PURPLE = (
    "#000000",
    "#E69F00",
    "#56B4E9",
    "#009E73",
    "#F0E442",
    "#0072B2",
    "#D55E00",
    "#CC79A7",
)
GREY = "#767676"
IGNORED = ("_noise_ignored", "_noisy")
"""Endings of the rows of a method that does not know of the measurement noise."""
DOTS, MIXED = (0, (1, 3)), (0, (5, 1, 1, 1, 1, 1))
"""Two lines more than matplotlib names."""


class Look(NamedTuple):
    """How a method is drawn and called wherever it appears.

    Attributes:
        color: of marker and line.
        marker: at the values; none for what is drawn as a line only.
        linestyle: between them.
        label: its name.
    """

    color: str
    marker: str
    linestyle: Any
    label: str


_BOOK = {
    "exact": Look(BLUE, "o", "-", "exact construction"),
    "exact_unweighted": Look(BLUE, "v", ":", "exact construction without its weights"),
    "exact_best": Look(BLUE, "d", "-", "exact, the best choice"),
    "leading": Look(BLUE, "*", "--", "leading directions of the solutions"),
    "krylov": Look(PURPLE, "h", "-.", "Krylov points"),
    "first_order": Look(GREEN, "s", "-", "first-order"),
    "first_order_interval": Look(GREEN, "p", "--", "first-order, made for the interval"),
    "first_order_squared": Look(GREEN, "o", ":", "first-order, made for the mean"),
    "implicit": Look(BLACK, "x", "-", "implicit"),
    "unrolled": Look(GREEN, "D", "-", "unrolled"),
    "unrolled_truncated": Look(GREEN, "v", "--", "unrolled, truncated window"),
    "unrolled_warm": Look(VERMILION, "D", "-.", "unrolled, warm start"),
    "zeroth_order": Look(PURPLE, "v", "-", "zeroth-order (Algorithm 1)"),
    "zeroth_order_antithetic": Look(PURPLE, "^", "-.", "zeroth-order, antithetic"),
    "gradient_matching": Look(VERMILION, "<", "-", "gradient matching"),
    "gradient_matching_cosine": Look(VERMILION, ">", ":", "gradient matching, cosine"),
    "distribution_matching": Look(ORANGE, "*", "-", "distribution matching"),
    "trajectory_matching": Look(PURPLE, "p", "-", "trajectory matching"),
    "kernel_inducing": Look(SKY, "d", "-", "kernel inducing points"),
    "kernel_inducing_labels": Look(SKY, "h", "-.", "kernel inducing points, labels too"),
    "random": Look(ORANGE, "^", "--", "random rows"),
    "herding": Look(ORANGE, "8", "--", "herding"),
    "k_center": Look(BLACK, "H", "--", "k-center"),
    "k_means": Look(VERMILION, "P", "--", "k-means"),
    "truncated_svd": Look(SKY, "X", "--", "truncated SVD"),
    "solved_labels": Look(VERMILION, "X", "-.", "k-means, labels solved"),
    "solved_labels_random": Look(ORANGE, "s", ":", "random rows, labels solved"),
    "full": Look(GREY, "x", "-.", "all training data"),
    "bound": Look(BLACK, "", "-", "certified lower bound"),
}
_MERGE = {
    "em": Look(BLACK, "o", "--", "EM"),
    "limit": Look(BLUE, "o", "-", "EM carried exactly"),
    "em_levels": Look(BLUE, "D", "-", "EM, network with static levels"),
    "em_pairs": Look(ORANGE, "o", "-.", "EM on pairs of visits"),
    "em_prior": Look(VERMILION, "o", ":", "EM, light prior"),
    "em_ridge": Look(PURPLE, "o", DOTS, "EM with a ridge"),
    "em_stopped": Look(SKY, "o", MIXED, "EM, stopped early"),
    "first_order_loo": Look(GREEN, "D", ":", "first-order, leave-one-source-out"),
    "first_order_pairs": Look(ORANGE, "s", "-.", "first-order on pairs of visits"),
    "first_order_prior": Look(VERMILION, "s", ":", "first-order, light prior"),
    "first_order_ridge": Look(PURPLE, "s", DOTS, "first-order with a ridge"),
    "first_order_stopped": Look(SKY, "s", MIXED, "first-order, stopped early"),
    "available_case": Look(SKY, "X", "--", "available-case moments"),
    "available_case_repaired": Look(SKY, "P", "--", "available-case moments, repaired"),
    "chained_equations": Look(VERMILION, "p", "-.", "chained equations (MICE)"),
    "federated": Look(PURPLE, "h", "-.", "federated averaging"),
    "mean_imputation": Look(ORANGE, "8", ":", "mean imputation"),
    "carried_forward": Look(GREY, "8", "--", "last value carried forward"),
    "start": Look(GREY, "x", ":", "noisy rows of the sources (start)"),
    "clean_subset": Look(ORANGE, "^", "--", "clean rows, same number"),
    "clean_subset_moderated": Look(SKY, "<", "-.", "the same clean rows, variances mended"),
    "clean_all": Look(GREY, "d", "-.", "all clean rows"),
    "published_set": Look(VERMILION, "D", "", "the authors' distilled rows"),
    "zeroth_order_meant": Look(PURPLE, "^", ":", "zeroth-order, filled cells in their places"),
    "best_network": Look(GREY, "*", "--", "best network of the graph"),
    "truth": Look(BLACK, "", ":", "true network (ceiling)"),
    "cramer_rao": Look(VERMILION, "", "-", "Cramér–Rao regret"),
    "clean_expected": Look(GREY, "", ":", r"$\dim/2n$, complete and clean"),
    "clean_expected_finite": Look(GREY, "", "-", "finite-$n$ form, complete and clean"),
}
_FOUR = {
    "prevalence": Look(GREY, "|", "", "prevalence of the hospital"),
    "own": Look(ORANGE, "o", "", "own records"),
    "common_no_hospital": Look(GREY, "v", "", "common columns"),
    "common": Look(GREY, "o", "", "common columns, hospital"),
    "indicators": Look(ORANGE, "D", "", "all columns, gaps marked, hospital"),
    "boosting": Look(GREY, "s", "", "boosted trees"),
    "multiple_imputation": Look(VERMILION, "P", "", "multiple imputation"),
    "joint_plain": Look(SKY, "v", "", "joint law, no offsets"),
    "joint": Look(SKY, "^", "", "joint law"),
    "joint_intervals": Look(SKY, "D", "", "joint law, categories as intervals"),
    "completed": Look(SKY, "X", "", "regression on completed patients"),
    "joint_plain_recalibrated": Look(BLUE, "<", "", "joint law, no offsets, recalibrated"),
    "joint_recalibrated": Look(BLUE, ">", "", "joint law, recalibrated"),
    "joint_intervals_recalibrated": Look(BLUE, "d", "", "joint law, categories as intervals, recalibrated"),
    "completed_recalibrated": Look(BLUE, "x", "", "regression on completed patients, recalibrated"),
    "picked": Look(BLUE, "*", "", "the merge that inner folds pick"),
    "averaged": Look(BLUE, "p", "", "mean of the merges"),
    "first_order_log_loss": Look(GREEN, "h", "--", "first-order, log loss alone"),
    "joint_likelihood": Look(SKY, "8", "-.", "first-order, joint likelihood"),
    "first_order_joint": Look(BLUE, "4", "-", "first-order, log loss and joint likelihood"),
    "all_completed": Look(GREY, "H", ":", "all completed patients"),
}
_TAILS = {
    "informed": Look(BLACK, "p", "-", "PINN, same information (the teacher)"),
    "collocation": Look(SKY, "d", ":", "kernel collocation, same information"),
    "solver": Look(GREEN, "*", "", "classical solver, for one α"),
    "smoothed": Look(ORANGE, "v", ":", "Gaussian process labels Sobol points"),
    "teacher_uniform": Look(BLUE, "o", ":", "teacher labels random points"),
    "teacher_sobol": Look(BLUE, "P", "--", "teacher labels Sobol points"),
    "kernel_distillation": Look(SKY, "h", "-.", "kernel distillation, no teacher"),
    "kernel_matching": Look(VERMILION, "s", "-", "kernel matching"),
    "exact_labels": Look(GREEN, "^", ":", "kernel matching, exact labels"),
    "teacher_matching": Look(GREEN, "d", "-.", "teacher matching, pool of networks"),
    "derivative_free": Look(PURPLE, "v", "-", "derivative-free (Algorithm 2)"),
    "averaged_search": Look(PURPLE, "X", "-.", "averaged search"),
    "screened": Look(BLACK, "*", "--", "screened designs, exact labels"),
    "sobol": Look(BLUE, "8", "--", "Sobol points, exact labels"),
    "sobol_target": Look(BLACK, "x", ":", "Sobol points of the test's tail, exact labels (cheats)"),
    "tensor_grid": Look(BLUE, "o", "-", "tensor grid, exact labels"),
    "floor": Look(GREY, "", "-.", "many exact points, not chosen"),
}
LOOKS = _BOOK | _MERGE | _FOUR | _TAILS
"""Every method of the book by the name that tables and code give it, and the yardsticks that are drawn like methods."""


def look(method: str) -> dict[str, Any]:
    """Keyword arguments for ``Axes.plot`` of a method: colour, marker, line style and label.

    The rows of a method that ignores the noise have its look with open markers.

    Raises:
        KeyError: if the method has no look yet; it gets one in this file.

    >>> look("exact")["marker"]
    'o'
    >>> look("federated_noisy")["label"]
    'federated averaging, noise ignored'
    """
    plain = known(method)
    if plain not in LOOKS:
        raise KeyError(f"no look for the method {method!r}: add one to ddbook/kit/looks.py (known: {', '.join(LOOKS)})")
    own = LOOKS[plain]._asdict()
    return own if plain == method else own | {"markerfacecolor": "white", "label": f"{own['label']}, noise ignored"}


def known(method: str) -> str:
    """The method itself, of the rows that ignore the noise too.

    >>> known("available_case_noise_ignored")
    'available_case'
    """
    for ending in IGNORED:
        method = method.removesuffix(ending)
    return method


def color(method: str) -> str:
    """A method's colour."""
    return str(look(method)["color"])


def label(method: str, letter: str = "", remark: str = "") -> str:
    """How figures and tables call a method.

    Args:
        method: as in the tables.
        letter: by which the prose of a chapter refers to it, set before the name.
        remark: what is particular to a chapter, set after the name.

    >>> label("kernel_matching", letter="d")
    '(d) kernel matching'
    """
    return f"({letter}) " * bool(letter) + str(look(method)["label"]) + remark


def short(method: str) -> str:
    """The name up to its first comma or bracket, for where there is little room.

    >>> short("sobol")
    'Sobol points'
    """
    return re.split(r",| \(", label(method))[0]


def line(method: str) -> dict[str, Any]:
    """A method as a line without markers: for ``Axes.axhline``, for yardsticks, and for curves of many values."""
    own = look(method)
    return {"color": own["color"], "linestyle": own["linestyle"], "label": own["label"], "linewidth": 1.2}


def dots(method: str) -> dict[str, Any]:
    """A method as single marks, without a line between them."""
    return look(method) | {"linestyle": "none"}


def ring(method: str, size: float = 8.0) -> dict[str, Any]:
    """A method with open, larger markers: what lies at the same place stays visible inside them."""
    return look(method) | {"markerfacecolor": "none", "markersize": size}
