"""What chapter 05 reports: tables, and the numbers that its sentences and claims quote."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ddbook.chapters.merge.published import published
from ddbook.chapters.merge.published.data import FILES
from ddbook.chapters.merge.published.experiment import BUDGETS
from ddbook.chapters.merge.published.learners import LABELS, LEARNERS
from ddbook.chapters.merge.published.runs import RUNS
from ddbook.kit import looks
from ddbook.kit.scores import Score, grid, shown
from ddlib.statistics import Number, quoted

KINDS = {FILES: "the authors' files", "released": "rebuilt as released", "described": "rebuilt as described"}
NATS = "nats in 1000 rows"
WHOLE = {"truth": "none", "em": "none", "clean_all": "released"}
"""Rows without a budget, and their learner."""


def rows(method: str, budget: int = 0, slices: int = 2, data: str = FILES, learner: str = "") -> dict[str, object]:
    """Which rows of the scores."""
    learner = WHOLE.get(method, learner or "released")
    return {"slices": slices, "data": data, "method": method, "budget": 0 if method in WHOLE else budget, "learner": learner}


def score(method: str, budget: int = 0, slices: int = 2, data: str = FILES, learner: str = "", value: str = "test_ll") -> Score:
    """The mean over seeds of a row of the table."""
    return Score(value, rows(method, budget, slices, data, learner))


def gain(ours: str, theirs: str, budget: int, slices: int = 2, data: str = FILES, learner: str = "") -> Score:
    """The mean paired difference of test log-likelihoods."""
    first, second = (rows(method, budget, slices, data, learner) for method in (ours, theirs))
    return Score("test_ll", first, minus=second)


def found_budgets(scores: pd.DataFrame, slices: int = 2, data: str = FILES) -> list[int]:
    """The budgets of Algorithm 1 in a table."""
    part = scores[(scores.method == "zeroth_order") & (scores.slices == slices) & (scores.data == data)]
    return sorted(map(int, part.budget.unique()))


def comparison(scores: pd.DataFrame, slices: int = 2, data: str = FILES) -> pd.DataFrame:
    """Test log-likelihoods, one row per method and one column per budget: means over seeds with intervals, or one value."""
    methods = (
        "clean_subset",
        "clean_subset_moderated",
        "start",
        "zeroth_order",
        "zeroth_order_meant",
        "published_set",
        "first_order",
    )
    part = scores[(scores.slices == slices) & (scores.data == data)]
    table = grid(
        {looks.label(method): method for method in methods if method in set(part.method)},
        {f"IPC {budget}": budget for budget in sorted(map(int, set(part.budget) - {0}))},
        lambda name, budget: _cell(part, name, budget),
    )
    for method in WHOLE:
        table.loc[looks.label(method)] = f"{_mean(part, score(method, 0, slices, data)):,.0f}"
    return table


def _cell(scores: pd.DataFrame, name: str, budget: int) -> str:
    (method,) = [method for method in set(scores.method) if looks.label(method) == name]
    one = scores.iloc[0]
    return shown(score(method, budget, int(one.slices), str(one.data)).evaluate(scores), ",.0f")


def under_learners(scores: pd.DataFrame, slices: int = 2) -> pd.DataFrame:
    """The authors' distilled rows minus as many clean rows (the published ones) under each learner, in nats per patient."""
    part = scores[(scores.data == FILES) & (scores.slices == slices) & (scores.seed == 0)]
    budgets = sorted(map(int, part[part.method == "published_set"].budget.unique()))
    table = {
        LABELS[learner]: {
            f"IPC {m}": f"{gain('published_set', 'clean_subset', m, slices, learner=learner).evaluate(part).value / 1000:+.2f}"
            for m in budgets
        }
        for learner in LEARNERS
    }
    return pd.DataFrame(table).T


def protocol() -> pd.DataFrame:
    """The published runs: one row per number of slices and budget."""
    lines = [(s, m, run.epochs, run.sigma, run.lr, run.seed or "–") for (s, m), run in RUNS.items()]
    return pd.DataFrame(lines, columns=["slices", "IPC", "epochs", "σ", "step size", "seed of R"])


def numbers(scores: pd.DataFrame, repeated: pd.DataFrame, slopes: pd.DataFrame) -> dict[str, Number]:
    """What the chapter's sentences and claims quote."""
    found = {"seeds": Number(int(scores[scores.data == FILES].seed.nunique()))}
    found |= _repeated(repeated) | _known(scores) | _gains(scores)
    for (data, part), each in slopes[slopes.slices == 2].groupby(["data", "part"]):
        found[f"slope_{str(part).replace(' ', '_')}_{data}"] = Number(float(each.slope.mean()), n=len(each))
    return found


def _repeated(repeated: pd.DataFrame) -> dict[str, Number]:
    """How far the repeated runs are from the published points, at the most, and for how many epochs they agree to a nat."""
    found = {}
    for (slices, budget), run in repeated.groupby(["slices", "budget"]):
        name = f"{_long(slices)}repeated"
        off = (run.test_ll - run.published).abs().dropna()
        found[f"{name}_off_{budget}"] = Number(float(off.max()), unit="nats")
        agrees = off.index[(off <= 1).cumprod() == 1]  # up to the first point that is missed
        found[f"{name}_agrees_{budget}"] = Number(int(run.epoch[agrees].max()) if len(agrees) else 0)
        found[f"{name}_epochs_{budget}"] = Number(len(run))
        found[f"{name}_end_{budget}"] = Number(float(run.test_ll.iloc[-1]), unit=NATS)
    return found


def _known(scores: pd.DataFrame) -> dict[str, Number]:
    """Seed 0 against the published figures: clean rows, all clean rows, and the released sets."""
    first = scores[(scores.data == FILES) & (scores.seed == 0)]
    found = {}
    for slices in (2, 10):
        name = _long(slices)
        off = [_mean(first, score("clean_subset", m, slices)) - published.ROWS[slices][m] for m in BUDGETS]
        found[f"{name}clean_off"] = Number(float(np.abs(off).max()), unit="nats")
        whole = _mean(first, score("clean_all", 0, slices))
        found[f"{name}clean_all_off"] = Number(abs(whole - published.ALL_ROWS[slices]), unit="nats")
        for method in WHOLE:
            found[f"{name}{method}"] = Number(_mean(first, score(method, 0, slices)), unit=NATS)
        for budget in BUDGETS:
            found[f"{name}published_gain_{budget}"] = Number(
                published.SETS[slices][budget] - published.ROWS[slices][budget], unit=NATS
            )
            found[f"{name}published_set_{budget}"] = Number(published.SETS[slices][budget], unit=NATS)
            found[f"{name}published_rows_{budget}"] = Number(published.ROWS[slices][budget], unit=NATS)
    for budget, figure in published.SECOND_SETS.items():
        found[f"long_second_gain_{budget}"] = Number(figure - published.ROWS[10][budget], unit=NATS)
    for slices, budget in ((2, 100), (10, 50)):  # the released sets
        apart = _mean(first, score("published_set", budget, slices)) - published.SETS[slices][budget]
        found[f"{_long(slices)}released_set_off_{budget}"] = Number(abs(apart), unit="nats")
    for learner in LEARNERS:
        own = gain("published_set", "clean_subset", 100, learner=learner).evaluate(first)
        found[f"{learner}_gain_100"] = Number(own.value, unit=NATS)
    found["released_gain_100_nats"] = Number(found["released_gain_100"].value / 1000, unit="nats per patient")
    return found


def _gains(scores: pd.DataFrame) -> dict[str, Number]:
    """Paired differences over seeds, where they were run."""
    found = {}
    for data in KINDS:
        for slices in (2, 10):
            for budget in found_budgets(scores, slices, data):
                name = f"{_long(slices)}{{}}_{data}_{budget}"
                found[name.format("gain")] = _quoted(scores, gain("zeroth_order", "clean_subset", budget, slices, data))
                moderated = gain("clean_subset_moderated", "clean_subset", budget, slices, data)
                found[name.format("moderated_gain")] = _quoted(scores, moderated)
                found[name.format("zeroth_order")] = _quoted(scores, score("zeroth_order", budget, slices, data))
    for data in (each for each in KINDS if each != FILES):
        over = Score("test_ll", rows("em", data=data), minus=rows("clean_all", data=data))
        found[f"em_over_clean_all_{data}"] = _quoted(scores, over)
    own = scores[(scores.data == FILES) & (scores.slices == 2)]
    first = own[own.seed == 0]
    for budget in BUDGETS:
        share = gain("clean_subset_moderated", "clean_subset", budget).evaluate(first).value
        found[f"moderated_share_{budget}"] = Number(share / found_gain(budget))
    gradient = _quoted(own, score("first_order", 100))
    found["first_order_100"] = gradient
    found["first_order_gain_100"] = Number(gradient.value - published.SETS[2][100], n=gradient.n, unit=NATS)
    found["first_order_own"] = _quoted(own, score("first_order", 100, learner="every_edge"))
    return found


def found_gain(budget: int, slices: int = 2) -> int:
    """The published gain of distilled over clean rows."""
    return published.SETS[slices][budget] - published.ROWS[slices][budget]


def _long(slices: object) -> str:
    return "" if slices == 2 else "long_"


def _mean(scores: pd.DataFrame, wanted: Score) -> float:
    return float(wanted.evaluate(scores).value)


def _quoted(scores: pd.DataFrame, wanted: Score) -> Number:
    return quoted(wanted.evaluate(scores), NATS)
