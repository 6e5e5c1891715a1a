"""The chapter's numbers are those of its tables, and its pictures hold what they say."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from ddbook.chapters.merge.four import figures, tables
from ddbook.chapters.merge.four.distillation import Updates
from ddbook.chapters.merge.four.experiment import DISTILLED, PAIRS, distil_all, goal_numbers, left_out, plan_of, shift_table
from ddbook.chapters.merge.four.nested import PICKED, Plan, nested
from tests.ddbook.chapters.merge.four.world import cohort

PEOPLE = cohort(each=(60, 50, 24, 30), gaps=0.05)
HOSPITALS = ("Cleveland", "Budapest", "Switzerland", "Long Beach")
PLAN = plan_of(replicates=2, outer=2, inner=2, forms=1, imputations=1, seed=3)


@pytest.fixture(scope="module")
def judged():
    return nested(PEOPLE, PLAN)


@pytest.fixture(scope="module")
def distilled(judged):
    return distil_all(PEOPLE, PLAN, judged, [12], Updates(steps=2, trees=5))


def test_the_forms_of_the_joint_law_are_counted():
    names = [[row.name for row in plan_of(2, 2, 2, forms, 1, 0).merges] for forms in (1, 2, 3)]
    assert names == [
        ["joint_plain", "completed"],
        ["joint_plain", "joint", "completed"],
        ["joint_plain", "joint", "joint_intervals", "completed"],
    ]


def test_goals_are_the_differences_of_the_tables(judged, distilled):
    kept, near, settings = distilled
    numbers = goal_numbers(PEOPLE, judged, kept, HOSPITALS, 12)
    contrasts = tables.contrast_table(PEOPLE, judged.scores, PAIRS, HOSPITALS)

    def line(minus, hospital, measure):
        here = (contrasts.minus == minus) & (contrasts.hospital == hospital) & (contrasts.measure == measure)
        return contrasts[here & (contrasts.method == PICKED)].iloc[0]

    for name, where in {
        "within_over_common": ("common", "all", "within"),
        "log_loss_over_indicators": ("indicators", "all", "log_loss"),
        "brier_over_own": ("own", "all", "brier"),
        "long_beach_log_loss_over_own": ("own", "Long Beach", "log_loss"),
    }.items():
        row = line(*where)
        assert (numbers[name].value, numbers[name].low, numbers[name].high) == pytest.approx((row.value, row.low, row.high))
    assert {f"slope_{name}" for name in ("cleveland", "budapest", "switzerland", "long_beach")} < set(numbers)
    own = kept[(kept.method == DISTILLED) & (kept.learner == "forest")].iloc[0]
    assert (numbers["forest_lead"].value, numbers["forest_lead"].low) == (own.lead, own.lead_low)
    assert len(near) == len(settings) == 6 * 4 and set(settings.method) == set(near.method)


def test_pictures_are_drawn_with_a_mark_for_every_row(judged, distilled):
    scores = tables.score_table(PEOPLE, judged.scores, HOSPITALS)
    calibrated = tables.calibration_table(PEOPLE, judged.scores, HOSPITALS)
    drawn = figures.draw_scores(scores)
    assert next(tick.get_text() for tick in drawn.axes[0].get_yticklabels()) == "mean of the merges"
    assert len(drawn.axes[0].get_yticks()) == len(judged.scores) - 1  # without the prevalence
    assert len(figures.draw_calibration(PEOPLE, judged.scores[PICKED], calibrated, HOSPITALS).axes) == 4
    assert len(figures.draw_kept(distilled[0]).axes) == 3
    texts = [text.get_text() for text in figures.draw_measured(PEOPLE, HOSPITALS).axes[0].texts]
    assert len(texts) == 4 * 13 and texts.count("0") >= 6  # ca and thal outside the first hospital
    plt.close("all")


def test_a_hospital_that_was_not_there_and_a_shift_have_their_tables():
    people = cohort(each=(30, 24, 12, 16), gaps=0.05)
    alone = left_out(people, PLAN)
    assert all(score.shape == (1, people.size) and np.isfinite(score).all() for score in alone.values())
    shifts = shift_table(people, Plan((), (), 2, 2, 2, 0), "ca", 2.0)
    assert sorted(set(shifts.delta)) == [-2.0, -1.0, 0.0, 1.0, 2.0] and len(shifts) == 10
    assert len(figures.draw_shift(shifts).axes) == 2
    plt.close("all")
