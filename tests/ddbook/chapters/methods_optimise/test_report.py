import math

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from ddbook.chapters.methods_optimise import checks, figures, regret, report
from ddbook.chapters.methods_optimise.experiment import AWARE, BLIND, GIVEN
from ddbook.chapters.methods_optimise.faithful import METHODS
from tests.ddbook.chapters.methods_optimise.world import PROBES, made, measured, regrets, small

NAMES = ("exact", *AWARE, *BLIND, *GIVEN)


@pytest.fixture(scope="module")
def controls():
    return regret.controls(small(), made())


def test_regrets_have_a_row_for_each_task_method_and_seed():
    table = regrets()
    assert len(table) == 2 * len(NAMES) * 2
    assert not table.duplicated(["task", "method", "seed"]).any()
    assert (table.regret >= 0).all()
    assert table[table.task == "ridge"].error.notna().all()
    assert table[table.task == "logistic"].error.isna().all()


def test_controls_change_one_thing(controls):
    names = {key: set(rows.method) for key, rows in controls.groupby("task")}
    both = {"gradient_matching_normal", "unrolled_promise", *(f"{name}_reweighted" for name in GIVEN[:4])}
    assert names == {"ridge": both | {"first_order_points"}, "logistic": both | {"first_order_weights"}}
    assert np.isfinite(controls.regret).all()


def test_reweighting_turns_one_convention_into_the_other():
    world, runs = small(), made()["ridge"]
    means, rows = runs["k_means"].distilled, runs["random"].distilled
    assert (regret.reweighted(world, means).w == 1).all()
    assert regret.reweighted(world, rows).w.sum(-1).tolist() == pytest.approx([442.0, 442.0])
    assert means.w.sum(-1).tolist() == [442, 442]


def test_numbers_are_finite_and_cover_every_method(controls):
    world = small()
    found = (
        report.settings(world, PROBES)
        | report.faithfulness_numbers(measured())
        | report.path_numbers(measured(), world.steps)
        | report.regret_numbers(world, regrets(), controls)
    )
    assert all(math.isfinite(number.value) for number in found.values())
    for key in ("ridge", "logistic"):
        assert {f"tau_{key}_{name}" for name in METHODS} <= set(found)
        assert {f"regret_{key}_{name}" for name in NAMES} <= set(found)
        for stage in ("path", "early"):
            flatters, slanders, count = (found[f"{stage}_{kind}_{key}"].value for kind in ("flatters", "slanders", "methods"))
            assert 0 <= flatters + slanders <= count == len(BLIND) + len(AWARE)
    assert found["error_exact"].value >= found["error_bound"].value
    assert found["regret_ridge_exact"].value >= found["regret_bound"].value
    assert found["regret_logistic_first_order"].value >= found["unit_weight_limit"].value
    assert found["implicit_difference"].value < 1e-9


def test_a_set_below_a_certified_limit_is_an_error(controls):
    world, wrong = small(), regrets().copy()
    wrong.loc[(wrong.task == "logistic") & (wrong.method == "herding"), "regret"] = 0.0
    with pytest.raises(ArithmeticError, match="below the certified unit_weight_limit"):
        report.regret_numbers(world, wrong, controls)


def test_path_numbers_count_clear_differences_only():
    rows = [
        ("a", 0, 0.5, 0.9),
        ("a", 1, 0.5, 0.9),
        ("b", 0, 0.5, 0.55),
        ("b", 1, 0.5, 0.55),
        ("c", 0, 0.5, 0.0),
        ("c", 1, 0.5, 0.2),
    ]
    table = pd.DataFrame(rows, columns=["method", "seed", "cloud", "path"]).assign(task="ridge", early=np.nan)
    found = report.path_numbers(table, 100)
    assert found["path_methods_ridge"].value == 3
    assert found["path_flatters_ridge"].value == 1
    assert found["path_slanders_ridge"].value == 1
    assert found["path_lowest_ridge"].value == pytest.approx(0.1)
    assert found["path_span_ridge"].value == 0
    assert not any(name.startswith("early_methods") for name in found)


def test_the_interval_of_a_correlation_does_not_leave_its_range():
    assert report.correlation([0.2, 1.0]).high == 1
    assert report.correlation([-1.0, 0.0]).low == -1
    assert math.isnan(report.correlation([0.3]).low)


def test_check_numbers_are_those_of_the_tables():
    world = small()
    spread, solved, quantised = checks.same_means(world), checks.trajectory_matching(world), checks.quantisation(world)
    found = report.check_numbers(spread, solved, quantised)
    assert found["dm_largest_logistic"].value == spread.logistic.max()
    assert found["tm_ridge_least"].value == solved.table.ridge_error.min()
    assert found["quantise_points"].value == 4


def test_the_table_has_every_method_once_and_dashes_where_there_is_no_surrogate():
    table = report.method_table(measured(), regrets(), made())
    assert len(table) == len(NAMES)
    assert table.index.is_unique
    assert (table.loc[["exact construction", "random rows"], "τ, ridge"] == "–").all()
    assert table.loc["first-order", "τ, logistic"] == "1.00"
    assert not table.astype(str).map(lambda cell: "nan" in cell).any(axis=None)


def test_the_figures_show_every_method_and_name_it():
    world, runs = small(), made()
    drawn = [
        figures.draw_map(world, measured(), regrets()),
        figures.draw_own_path(measured()),
        figures.draw_spectrum(world, runs, checks.trajectory_matching(world)),
    ]
    assert len(drawn[0].legends[0].get_texts()) == len(METHODS)
    assert len(drawn[1].axes[0].get_yticklabels()) == len(BLIND) + len(AWARE)
    assert [len(axes.get_legend().get_texts()) for axes in drawn[2].axes] == [len(figures.SHOWN) + 1, len(checks.SETTINGS) + 1]
    for figure in drawn:
        plt.close(figure)


def test_one_replicate_draws_without_intervals():
    options = {"replicates": 1, "steps": 1, "budget": 1}
    world = small(**options)
    for figure in (figures.draw_map(world, measured(**options), regrets(**options)), figures.draw_own_path(measured(**options))):
        assert figure.axes
        plt.close(figure)
