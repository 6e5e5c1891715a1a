"""Correlations on the columns' own scales against closed forms and a large simulation."""

import numpy as np
import pandas as pd
import pytest

from ddlib.merge import merge
from ddlib.merge.margins import Cells, Identity, Thresholds, monotone
from ddlib.merge.never_together import in_sentences
from ddlib.merge.own_correlation import own_correlation

YES, PLAIN = Thresholds((0.0, 1.0), (0.0,)), Identity(3.0, 2.0)
SKEWED = monotone(Cells.of(np.exp(np.random.default_rng(0).normal(size=800))))


@pytest.mark.parametrize("rho", [-1.0, -0.7, 0.0, 0.3, 0.95, 1.0])
def test_closed_forms(rho):
    def own(*margins):
        return own_correlation(margins, np.zeros((1, 2)), np.ones((1, 2)), np.array([rho]))

    assert own(PLAIN, PLAIN) == pytest.approx(rho, abs=0.005)
    assert own(YES, YES) == pytest.approx(2 * np.arcsin(rho) / np.pi, abs=0.01)
    assert own(YES, PLAIN) == pytest.approx(rho * np.sqrt(2 / np.pi), abs=0.005)


def test_several_visits_are_as_a_simulation_has_them():
    means, sizes, rho = np.array([[0.0, 0.5], [1.0, -0.3]]), np.array([[1.0, 0.8], [1.2, 1.0]]), np.array([0.8, 0.2])
    rng, covariance, variance = np.random.default_rng(1), 0.0, np.zeros(2)
    for t in range(2):
        first, other = rng.normal(size=(2, 400_000))
        other = rho[t] * first + np.sqrt(1 - rho[t] ** 2) * other
        values = np.stack([SKEWED.back(means[t, 0] + sizes[t, 0] * first), YES.back(means[t, 1] + sizes[t, 1] * other)])
        moments = np.cov(values)
        covariance, variance = covariance + moments[0, 1], variance + moments.diagonal()
    assert own_correlation((SKEWED, YES), means, sizes, rho) == pytest.approx(covariance / variance.prod() ** 0.5, abs=0.01)


def test_a_column_that_does_not_vary_has_none():
    assert np.isnan(own_correlation((YES, PLAIN), np.array([[40.0, 0.0]]), np.ones((1, 2)), np.array([0.5])))


def tables(visits: int, margin) -> dict[str, pd.DataFrame]:
    found = {}
    for k, gone in enumerate("ab"):
        rng = np.random.default_rng(k)
        values = rng.normal(size=(150, visits, 1)) + 0.6 * rng.normal(size=(150, visits, 3))
        frame = pd.DataFrame(values.reshape(-1, 3), columns=list("abc"))
        frame["a"] = margin(frame.a)
        frame.insert(0, "visit", np.tile(np.arange(visits), 150))
        frame.insert(0, "id", np.repeat(np.arange(150), visits))
        found[gone] = frame.drop(columns=gone)
    return found


@pytest.mark.parametrize("visits", [1, 2])
def test_the_report_says_which_scale_its_numbers_are_on(visits):
    found = merge(tables(visits, np.exp), "id", "visit", join="never", rows=4000)
    (pair,) = found.report["never_together"]
    assert pair["scale"] == "modelled"
    drawn = np.mean([part[["a", "b"]].cov().to_numpy() for _, part in found.table.groupby("visit")], axis=0)
    assert pair["own_correlation"] == pytest.approx(drawn[0, 1] / np.sqrt(drawn[0, 0] * drawn[1, 1]), abs=0.05)
    if visits == 1:
        low, high = pair["own_bounds"]
        assert -1 <= low < pair["own_correlation"] < high <= 1 and high < pair["bounds"][1]
    else:
        assert pair["own_bounds"] is None
    number, scale = in_sentences(found.report["never_together"])
    assert "1 pair" in number and f"{pair['correlation']:.2f}" in scale and f"{pair['own_correlation']:.2f}" in scale
    assert "on the scales on which" in next(one["text"] for one in found.report["warnings"] if one["kind"] == "never together")


def test_columns_that_are_normal_have_one_scale():
    found = merge(tables(2, lambda values: values), "id", "visit", join="never")
    (pair,) = found.report["never_together"]
    assert pair["scale"] == "own" and pair["own_correlation"] == pair["correlation"] and pair["own_bounds"] == pair["bounds"]
    assert len(in_sentences(found.report["never_together"])) == 1


def test_noise_is_named_as_the_cause_of_a_normal_margin():
    def said(**options):
        report = merge(tables(2, np.exp), "id", "visit", join="never", tolerance=1.0, **options).report
        assert not [one for one in report["warnings"] if one["kind"] == "skewed" and options.get("margins") != "normal"]
        return [one for one in report["warnings"] if one["kind"] == "noise"]

    (one,) = said(noise={"a": 0.2, "c": 0.2})
    assert one["columns"] == ["a"] and "skewed to the right" in one["text"]
    assert said() == [] and said(noise={"c": 0.2}) == [] and said(noise={"a": 0.2}, margins="normal") == []
