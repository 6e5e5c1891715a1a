"""Tables against plain means, and what is said of cells that nobody measured."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import roc_auc_score

from ddbook.chapters.merge.four.disclosed import disclosure_table
from ddbook.chapters.merge.four.distillation import ALL
from ddbook.chapters.merge.four.folds import splits
from ddbook.chapters.merge.four.joint import CompletedRegression, Completion
from ddbook.chapters.merge.four.missing import shifted_rows, worst_cases
from ddbook.chapters.merge.four.nested import Plan, seed_of
from ddbook.chapters.merge.four.tables import POOLED, calibration_table, contrast_table, kept_table, score_table
from ddbook.chapters.merge.four.task import columns_of
from ddlib.distilled import Distilled
from tests.ddbook.chapters.merge.four.world import cohort

PEOPLE = cohort()
HOSPITALS = ("A", "B", "C", "D")
DRAW = np.random.default_rng(0)
GOOD = 2 * (PEOPLE.disease - 0.5) + DRAW.normal(size=(3, PEOPLE.size))
POOR = DRAW.normal(size=(3, PEOPLE.size))
SCORES = {"good": GOOD, "poor": POOR}


def cell(table, **where):
    return table[np.logical_and.reduce([table[name] == value for name, value in where.items()])].iloc[0]


def test_scores_are_means_over_repeats_of_all_patients_and_of_each_hospital():
    table = score_table(PEOPLE, SCORES, HOSPITALS)
    rows = PEOPLE.hospital == 1
    area = np.mean([roc_auc_score(PEOPLE.disease[rows], one[rows]) for one in GOOD])
    assert cell(table, method="good", hospital="B", measure="auc").value == pytest.approx(area)
    assert cell(table, method="good", hospital=POOLED, measure="accuracy").value == pytest.approx(
        ((GOOD > 0) == PEOPLE.disease).mean()
    )
    assert len(table) == 2 * (5 + 4 * 4) and (table.low < table.value).all() and (table.value < table.high).all()


def test_a_contrast_is_the_difference_and_its_opposite_the_other_way():
    scores, there, back = (
        score_table(PEOPLE, SCORES, HOSPITALS),
        contrast_table(PEOPLE, SCORES, [("good", "poor")], HOSPITALS),
        contrast_table(PEOPLE, SCORES, [("poor", "good")], HOSPITALS),
    )
    for measure in ("auc", "within", "brier"):
        one, two = (cell(scores, method=name, hospital=POOLED, measure=measure).value for name in SCORES)
        found = cell(there, hospital=POOLED, measure=measure)
        assert found.value == pytest.approx(one - two)
        assert cell(back, hospital=POOLED, measure=measure).low == pytest.approx(-found.high)
    assert cell(there, hospital=POOLED, measure="within").low > 0


def test_calibration_says_which_scores_are_too_extreme():
    table = calibration_table(PEOPLE, {"good": GOOD, "extreme": 3 * GOOD}, HOSPITALS)
    one, three = (cell(table, method=name, hospital=POOLED, measure="slope").value for name in ("good", "extreme"))
    assert three == pytest.approx(one / 3)


def test_what_is_kept_is_a_share_of_the_distance_from_the_prevalence():
    floor, middle = np.zeros_like(GOOD), GOOD + 0.8 * DRAW.normal(size=GOOD.shape)
    sets = {(ALL, 0, "logistic"): GOOD, ("random", 50, "logistic"): POOR, ("k_means", 50, "logistic"): middle}
    table = kept_table(PEOPLE, sets, floor)
    areas = {
        name: np.mean([roc_auc_score(PEOPLE.disease, one) for one in score]) for name, score in (("all", GOOD), ("middle", middle))
    }
    own = cell(table, method="k_means")
    assert own.share == pytest.approx((areas["middle"] - 0.5) / (areas["all"] - 0.5))
    assert own.spare == pytest.approx(areas["middle"] - 0.95 * areas["all"] - 0.025)
    assert own.lead_low > 0 and cell(table, method="random").lead == 0 and cell(table, method=ALL).share == 1


def test_hospitals_intercepts_take_up_a_shift_of_what_they_never_measured():
    people = cohort(each=(150, 90, 60, 60), gaps=0.0)
    ca = people.names.index("ca")
    people = people._replace(disease=np.where((people.hospital == 0), people.values[:, ca] > 1, people.disease).astype(float))
    plain, none, much = (row.fit(people, 0)(people) for row in (CompletedRegression(), *shifted_rows("ca", (0.0, 1.0))))
    np.testing.assert_array_equal(none, plain)
    higher = people._replace(values=people.values + np.where(np.arange(13) == ca, np.nanstd(people.values[:, ca]), 0.0))
    worth = np.abs(CompletedRegression().fit(people, 0)(higher) - plain)[people.hospital == 0].min()
    assert 0 < np.abs(much - none).max() < 0.2 * worth


@pytest.mark.parametrize(("column", "places"), [("ca", [14]), ("thal", [15, 16])])
def test_only_missing_cells_are_shifted(column, places):
    one, two = (Completion(PEOPLE, column, delta)(PEOPLE) for delta in (0.0, 1.0))
    missing = np.isnan(columns_of(PEOPLE)[:, :17])
    expected = np.zeros_like(one)
    expected[:, places] = missing[:, places]
    np.testing.assert_allclose(two - one, expected, atol=1e-12)


def test_worst_cases_hold_every_completion():
    table = worst_cases(PEOPLE, ("ca", "chol"), HOSPITALS)
    assert ((table.low <= table.expected + 1e-9) & (table.expected <= table.high + 1e-9)).all()
    row = cell(table, column="ca", hospital="B")
    assert row.measured == 0 and np.isnan(row.mean_measured) and (row.low, row.high) == (0, 3)
    values = PEOPLE.values[PEOPLE.hospital == 0][:, PEOPLE.names.index("ca")]
    known = cell(table, column="ca", hospital="A")
    assert known.measured == (~np.isnan(values)).sum() and known.low == pytest.approx(np.nansum(values) / 60)


def test_real_patients_are_found_out_and_strangers_are_not():
    plan = Plan((), (), repeats=1, outer=3, seed=2)
    columns = np.where(np.isnan(columns_of(PEOPLE)), 0.0, columns_of(PEOPLE))
    folds = list(splits(PEOPLE, 3, seed_of(plan, 0)))

    def as_set(rows):
        x = torch.from_numpy(rows)[None]
        return Distilled(x, torch.zeros(1, len(rows)).double(), torch.ones(1, len(rows)).double())

    others = columns_of(cohort(seed=9, gaps=0.0, hidden=()))
    sets = {("copied", 120): [as_set(columns[train]) for train, _ in folds], ("strangers", 30): [as_set(others[:30])] * 3}
    table = disclosure_table(PEOPLE, plan, sets)
    assert isinstance(table, pd.DataFrame) and len(table) == 6
    assert table[table.method == "copied"].auc.min() > 0.9
    assert ((table[table.method == "strangers"].auc - 0.5).abs() < 3 * table.error.max()).all()
