"""Sentences of chapter 06 about its numbers, as Markdown: true whichever way the numbers fall."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from ddbook.chapters.merge.limit.report import GOAL, mean_ratio
from ddbook.kit.looks import label

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def tiny(value: float) -> str:
    """One significant digit, with a power of ten where the number is small.

    >>> tiny(7.7e-6), tiny(0.04)
    ('8 × 10⁻⁶', '0.04')
    """
    digits, _, power = f"{value:.0e}".partition("e")
    return f"{digits} × 10{str(int(power)).translate(SUPERSCRIPTS)}" if 0 < abs(value) < 1e-3 else f"{value:.1g}"


def _excess(values: pd.Series) -> str:
    most = float(values.max())
    return f"above EM's by at most {tiny(most)} nats per patient" if most > 0 else "nowhere above EM's"


def comparison(ratios: pd.DataFrame, goal: float = GOAL) -> str:
    """How often first-order distillation is far from EM, and how the training risks compare there and everywhere.

    Args:
        ratios: from :func:`ddbook.chapters.merge.limit.report.ratios`.
        goal: a ratio is far from one if it differs by more than this does.
    """
    if ratios.empty:
        return "No network of this page can be compared."
    far = ratios[(ratios.ratio - 1).abs() > goal - 1]
    everywhere = f"Over all {len(ratios)} comparisons the training risk of the set is {_excess(ratios.excess)}."
    if far.empty:
        return f"In none of the {len(ratios)} comparisons is the ratio farther than {goal - 1:.2g} from one. {everywhere}"
    return (
        f"In {len(far)} of the {len(ratios)} comparisons the ratio is farther than {goal - 1:.2g} from one; there the training "
        f"risk of the set is {_excess(far.excess)}. Where the two risks hardly differ, the likelihood has maxima of almost the "
        f"same height that are far apart, or is almost flat; where the set's is clearly higher, the descent has not arrived. "
        f"{everywhere}"
    )


def few_patients(scores: pd.DataFrame, base: str = "em") -> str:
    """Which rows go below the converged maximum by more than chance, one item per condition."""
    return "\n".join(
        _few_patients(str(condition), part.pivot_table(index="seed", columns="method", values="regret"), base)
        for condition, part in scores.groupby("condition", sort=False)
    )


def _few_patients(condition: str, regrets: pd.DataFrame, base: str) -> str:
    found = {m: mean_ratio(regrets[m].to_numpy(), regrets[base].to_numpy()) for m in regrets.columns if m != base}
    below = ", ".join(f"{label(m)} ({each.value:.2f})" for m, each in found.items() if each.high < 1)
    above = ", ".join(f"{label(m)} ({each.value:.2f})" for m, each in found.items() if each.low > 1)
    many = f"{len(regrets)} network" + "s" * (len(regrets) > 1)
    text = f"- **{condition.capitalize()}**, {many}. The 95 % interval of the ratio lies below one for {below or 'no row'}"
    text += f", and above one for {above}" if above else ""
    undecided = sum(not (each.high < 1 or each.low > 1) for each in found.values())
    if undecided == len(found):
        return f"{text}. For all rows, {many} cannot decide."
    return text + (f"; for the other {undecided} row{'s' * (undecided > 1)}, {many} cannot decide." if undecided else ".")


def levels(scores: pd.DataFrame, base: str = "available_case") -> str:
    """Which ways have a lower median regret than moments that believe no model, one item per size of the levels."""
    return "\n".join(_levels(float(str(size)), part, base) for size, part in scores.groupby("level"))


def _levels(size: float, scores: pd.DataFrame, base: str) -> str:
    table = scores.pivot_table(index="seed", columns="method", values="regret", aggfunc="min").replace(np.nan, np.inf)
    ways = [m for m in dict.fromkeys(scores.method) if m not in (base, "best_network", "clean_all")]
    middle = {m: float(table[m].median()) for m in (base, *ways)}

    def told(methods: list[str]) -> str:
        return "; ".join(
            f"{label(m)}, {_value(middle[m])} (lower on {int((table[m] < table[base]).sum())} of {len(table)} networks)"
            for m in methods
        )

    lower = [m for m in ways if middle[m] < middle[base]]
    higher = [m for m in ways if m not in lower]
    text = f"- **Levels of standard deviation {size:g}.** {label(base).capitalize()}: {_value(middle[base])}. "
    text += f"Lower: {told(lower)}." if lower else "Nothing that was tried is lower."
    return text + (f" Not lower: {told(higher)}." if higher else "")


def _value(number: float) -> str:
    return f"{number:.3g}" if math.isfinite(number) else "no fit"
