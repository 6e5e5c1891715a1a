"""Simulated studies: at the margin of a claim few are called reproduced, and an effect of twice the margin's distance is found.

The estimators are the ledger's own, on arrays in place of tables; that tables give these arrays is tested elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from ddbook.press.claims import Claim, judge, verdict
from ddbook.press.claims.results import prediction
from ddbook.press.claims.rivals import loss_of
from ddlib.statistics import Estimate, crossed, estimate
from tests.ddbook.press.claims.world import CLAIM

STUDIES = 1000
Generator = np.random.Generator
Values = np.ndarray[Any, Any]


def geometric(logarithms: Values) -> Estimate:
    """The geometric mean of ratios, as a score gives it."""
    value, low, high, n = estimate(logarithms)
    return Estimate(math.exp(value), math.exp(low), math.exp(high), n)


def differences(effect: float, generator: Generator) -> list[Values]:
    """Five paired differences with a standard deviation of 1."""
    return [effect + generator.normal(size=5)]


def two_measures(effect: float, generator: Generator) -> list[Values]:
    """A measure at the margin, and one far beyond it."""
    return [effect + generator.normal(size=5), effect + 10 + generator.normal(size=5)]


def images(effect: float, generator: Generator) -> list[Values]:
    """Paired differences in right answers on 200 images: some images and some draws are harder, for each method in its own way."""
    own = [0.02 * generator.normal(size=(5, 1)) + 0.1 * generator.normal(size=(1, 200)) for _ in range(2)]
    first, second = (generator.uniform(size=(5, 200)) < 0.6 + shift + hard for shift, hard in zip((effect, 0), own, strict=True))
    return [first.astype(float) - second]


def rivals(effect: float, generator: Generator) -> list[Values]:
    """Four methods under three learners: the first is the best under two, and behind another by the effect under the third."""
    values = generator.normal(size=(4, 3, 5, 1)) + 2 * generator.normal(size=(1, 3, 5, 1))
    values[0, :2] += 8
    values[1, 2] += 8 + effect
    values[0, 2] += 8
    return [values]


class Kind(NamedTuple):
    """How scores are drawn and summarised, where they should lie, and with what power an effect is found there."""

    draw: Callable[[float, Generator], list[Values]]
    summary: Callable[[Values], Estimate]
    wanted: dict[str, float]
    margin: float
    twice: float
    power: float


KINDS = {
    "one-sided": Kind(differences, estimate, {"at_least": 2.0}, 2.0, 4.0, 0.8),
    "equivalence": Kind(differences, estimate, {"at_least": -3.0, "at_most": 3.0}, 3.0, 0.0, 0.9),
    "ratio": Kind(differences, geometric, {"at_least": math.exp(2.0)}, 2.0, 4.0, 0.8),
    "several": Kind(two_measures, estimate, {"at_least": 2.0}, 2.0, 4.0, 0.8),
    "crossed": Kind(images, crossed, {"at_least": 0.15}, 0.15, 0.30, 0.8),
    "rivals": Kind(rivals, loss_of, {"at_least": 4.0}, 4.0, 8.0, 0.5),
}


def share(monkeypatch: pytest.MonkeyPatch, kind: Kind, effect: float, **fields: float) -> float:
    """The share of studies in which the claim is called reproduced."""
    generator = np.random.default_rng(0)
    monkeypatch.setattr(verdict, "measure", lambda statistic, chapter, study: kind.summary(study[int(statistic.value)]))
    monkeypatch.setattr(verdict, "spread", lambda statistic, chapter, study: (*prediction(study[int(statistic.value)]), 0))
    first = {"label": "one", "table": "scores", "rows": "all", **(fields or kind.wanted)}
    number = len(kind.draw(effect, generator))
    claim = Claim.model_validate(CLAIM | {"statistics": [first | {"value": str(place)} for place in range(number)]})
    states = [judge(claim, kind.draw(effect, generator)).state for _ in range(STUDIES)]  # type: ignore[arg-type]
    return states.count("reproduced") / STUDIES


@pytest.mark.parametrize("name", KINDS)
def test_at_the_margin_few_studies_are_called_reproduced(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = KINDS[name]
    assert share(monkeypatch, kind, kind.margin) <= 0.05


@pytest.mark.parametrize("name", KINDS)
def test_an_effect_of_twice_the_margins_distance_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = KINDS[name]
    assert share(monkeypatch, kind, kind.twice) >= kind.power


@pytest.mark.parametrize("seeds", [3, 10])
@pytest.mark.parametrize("widest", [2.0, 6.0, 20.0])
def test_a_law_that_lies_the_width_of_a_match_away_is_seldom_matched(
    seeds: int, widest: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The published figure is one run of a law whose mean is ``widest`` away from ours; its noise is the same as ours."""

    def draw(effect: float, generator: Generator) -> list[Values]:
        return [generator.normal(size=seeds) - generator.normal() - effect]  # the published figure is at 0

    kind = Kind(draw, estimate, {}, widest, 0.0, 0.0)
    assert share(monkeypatch, kind, widest, published=0.0, widest=widest) <= 0.05
    if widest == 20 and seeds == 10:
        assert share(monkeypatch, kind, 0.0, published=0.0, widest=widest) >= 0.9  # its own law is
