"""The experiment of chapter 07 in its smallest form, on simulated records whose best score is known, and its report."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch

from ddbook.chapters.merge.hospitals import figures as hospital_figures
from ddbook.chapters.merge.hospitals import report as hospital_report
from ddbook.chapters.merge.hospitals.distillation import Updates, compare
from ddbook.chapters.merge.hospitals.experiment import by_visits, on_twins, references
from ddbook.chapters.merge.hospitals.lags import Lags
from ddbook.chapters.merge.hospitals.likelihood import carried_exactly, likelihood_rows
from ddbook.chapters.merge.hospitals.records import hide_panels
from ddbook.chapters.merge.hospitals.report import (
    METRICS,
    cell,
    findings,
    label,
    load_or_explain,
    numbers,
    ordered,
    summary,
    wins,
    wins_table,
)
from ddbook.chapters.merge.hospitals.study import Study
from ddbook.chapters.merge.hospitals.twins import Twins
from ddlib import datasets
from ddlib.dbn.model.generate import random_networks, sample
from tests.ddlib.dbn.world import generator

PANELS = {"a": ("x0",), "b": ("x1",), "c": ("x2",)}
NAMES = ("x0", "x1", "x2")


def study(slices=3, patients=180, **changes):
    _, truth = random_networks(1, 3, generator(2))
    values = sample(truth, patients, slices, generator(1))[0]
    values[::9, -1, 0] = torch.nan
    measured = hide_panels(PANELS, NAMES, list(PANELS))
    return Study(values, torch.arange(patients) % 3, measured, **({"replicates": 2, "noise": 0.5} | changes))


@pytest.fixture(scope="module")
def scores():
    found = [compare(study(noise=noise), [8], Updates(30, 12, 6))[0] for noise in (0.0, 0.5)]
    return pd.concat(found, ignore_index=True)


@pytest.fixture(scope="module")
def single():
    found = [compare(study(slices=1, noise=noise), [8], Updates(30, 12, 6))[0] for noise in (0.0, 0.5)]
    return pd.concat(found, ignore_index=True)


def test_every_row_is_there_for_every_split_and_noise(scores):
    assert set(ordered(scores)) >= {
        *("clean_all", "clean_subset", "em", "em_stopped", "em_levels", "limit", "first_order", "first_order_loo", "zeroth_order"),
        *(
            "em_prior",
            "first_order_prior",
            "first_order_stopped",
            "available_case",
            "available_case_repaired",
            "mean_imputation",
            "chained_equations",
            "federated",
        ),
        *("carried_forward", "available_case_repaired_noise_ignored"),
    }
    each = scores.groupby(["noise", "method", "budget"]).seed.nunique()
    assert bool((each == 2).all())
    assert not scores.duplicated(["noise", "method", "budget", "seed"]).any()


def test_studies_that_differ_in_the_noise_share_their_splits(scores):
    quiet, noisy = (scores[(scores.noise == noise) & (scores.method == "clean_all")].test_ll.to_numpy() for noise in (0.0, 0.5))
    np.testing.assert_allclose(quiet, noisy)


def test_em_carried_exactly_is_em():
    for slices in (1, 3):
        one = study(slices)
        model, stored = carried_exactly(one)
        ours, theirs = one.law(model), one.law(one.em.model)
        torch.testing.assert_close(ours.mean, theirs.mean, atol=1e-8, rtol=0)
        torch.testing.assert_close(ours.covariance, theirs.covariance, atol=1e-8, rtol=0)
        assert stored == (4 * 3 if slices == 1 else 4 * 3 + 7 * 6 + 2)


def test_complete_records_without_noise_score_as_the_truth_would():
    one = study(patients=3000, noise=0.0)
    frame = pd.concat([references(one, 8), likelihood_rows(one, levels=False)])
    medians = frame.groupby("method").test_ll.median()
    assert medians["clean_all"] - medians["em"] < 0.1 and medians["clean_all"] - medians["clean_subset"] > 0.1
    assert "em_levels" not in set(frame.method)


def test_one_visit_is_scored_by_its_outcome(single):
    assert {"outcome_ll", "r_squared"} <= set(single.columns) and "rmse" not in single.columns
    assert not {"em_levels", "carried_forward"} & set(single.method)
    clean = single[single.method == "clean_all"]
    assert bool((clean.r_squared < 1).all()) and bool(clean.outcome_ll.notna().all())


def test_rows_over_visits_and_on_twins():
    one = study(slices=3, noise=0.3)
    over = by_visits(one, [2, 3])
    assert over.groupby("slices").patients.first().tolist() == [180, 160]
    values = one.values
    both = on_twins(one, Twins(values, values + 1, values))
    first, moved = (both[both.records == name].test_ll.to_numpy() for name in ("real", "markov"))
    np.testing.assert_allclose(first, moved, atol=1e-4)  # values are standardised: a shift changes nothing
    table = hospital_report.twins_table(both)
    assert list(table.columns) == ["twin, Markov", "twin, static levels", "the records"] and label("em") in table.index
    assert "of 2 splits on the records themselves" in hospital_report.twins_sentence(both)
    assert "no nearer" in hospital_report.twins_sentence(
        both.replace("levels", "other").replace("markov", "levels").replace("other", "markov")
    )


def test_tables_and_numbers_say_what_the_scores_say(scores, single):
    table = summary(scores, ["test_ll", "rmse"])
    assert table.shape[1] == 4 and f"{label('first_order')}, 8 patients" in table.index
    assert table.loc[label("carried_forward")].iloc[0] == "–"
    found = numbers(scores, "labs", ["test_ll", "rmse"])
    em = scores[(scores.method == "em") & (scores.noise == 0.5)]
    assert found["labs_em_test_ll_high"].value == pytest.approx(em.test_ll.median())
    assert found["labs_noise_high"].value == 0.5 and found["labs_budget"].value == 8
    text = findings(scores, "test_ll")
    assert text.count("**Noise") == 2 and f"{em.test_ll.median():.2f}" in text
    pairs = wins_table(scores, ["test_ll", "rmse"])
    converged = scores[(scores.method == "em") & (scores.noise == 0.5)].converged.astype(bool).sum()
    assert f"{label('em')}, noise 0.5 sd: {converged} of 2" in hospital_report.convergence(scores)
    assert hospital_report.convergence(scores.drop(columns="converged")) == ""
    better, _ = wins(scores, "em", "available_case_repaired", 0.5, "rmse")
    assert pairs.loc[f"{label('em')} better than {label('available_case_repaired')}"].iloc[3] == f"{better} of 2"
    assert set(METRICS) >= {"outcome_ll", "r_squared"} and summary(single, ["r_squared"]).shape[1] == 2


def test_a_failed_row_is_never_better_and_is_named():
    base = {"noise": 0.0, "budget": 0}
    rows = [{**base, "method": m, "seed": s, "test_ll": v} for m, s, v in [("em", 0, -1.0), ("em", 1, -1.0)]]
    rows += [{**base, "method": "federated", "seed": s, "test_ll": v} for s, v in [(0, np.nan), (1, -0.5)]]
    frame = pd.DataFrame(rows)
    assert wins(frame, "em", "federated", 0.0, "test_ll") == (1, 2) and wins(frame, "federated", "em", 0.0, "test_ll") == (1, 2)
    assert summary(frame, ["test_ll"]).loc[label("federated")].iloc[0] == "failed in 1 of 2"
    assert cell(np.array([np.nan, np.nan])) == "failed" and cell(np.empty(0)) == "–" and cell(np.array([2.5])) == "2.5"


def test_lower_errors_win():
    base = {"noise": 0.0, "budget": 0, "seed": 0}
    frame = pd.DataFrame([{**base, "method": "em", "rmse": 0.5}, {**base, "method": "federated", "rmse": 0.6}])
    assert wins(frame, "em", "federated", 0.0, "rmse") == (1, 1)


def test_absent_data_become_a_notice_and_nothing_else():
    def missing(error):
        raise error("x.csv is not <here>")

    for error in (datasets.DataUnavailableError, datasets.ChecksumError):  # what a server serves may change one day
        found, notice = load_or_explain(partial(missing, error), "some <labs>")
        assert found is None
        assert all(part in notice for part in ("admonition warning", "x.csv is not &lt;here&gt;", "&lt;labs&gt;"))
    table = datasets.Visits(
        torch.zeros(2, 1, 1),
        ("p", "q"),
        ("s", "t"),
        ("v",),
        ("x",),
        ("g",),
        {"only": ("x",)},
        datasets.Source("made up", "https://example.org", "a licence", "somebody"),
    )
    assert load_or_explain(lambda: table, "labs") == (table, "")
    assert "a licence" in hospital_report.provenance(table, 2) and "https://example.org" in hospital_report.provenance(table, 2)
    who = hospital_report.hospitals_table(table, torch.tensor([0, 1]), torch.tensor([[True], [True]]))
    assert who["patients"].tolist() == [1, 1] and who["sites"].tolist() == ["s", "t"]


def test_pictures_are_drawn(scores, single):
    one = study(noise=0.3)
    lags = {"labs": Lags(*(torch.tensor([0.8, 0.6]) for _ in range(3)))}
    for figure, panels in (
        (hospital_figures.draw_scores(scores, ["test_ll", "rmse"]), 2),
        (hospital_figures.draw_scores(single, ["test_ll", "r_squared"]), 2),
        (hospital_figures.draw_lags(lags), 1),
        (hospital_figures.draw_visits({"labs": by_visits(one, [2, 3])}), 2),
    ):
        assert len(figure.axes) == panels
        assert all(axes.lines for axes in figure.axes)
    assert "falls from 0.80 at the next visit to 0.60 after 2 visits" in hospital_report.lag_sentence(lags["labs"])
