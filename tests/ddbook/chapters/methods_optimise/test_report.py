import math

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from ddbook.chapters.methods_optimise import checks, dumbbells, faithful, figures, regret, report
from ddbook.chapters.methods_optimise.experiment import AWARE, BLIND, GIVEN, OWN
from ddbook.chapters.methods_optimise.faithful import CLOUDS, METHODS, MISMATCH
from ddlib.statistics import estimate
from tests.ddbook.chapters.methods_optimise.world import PROBES, made, measured, regrets, small, tried

NAMES = ("exact", *AWARE, *BLIND, *GIVEN)


def test_regrets_have_a_row_for_each_task_method_variant_and_seed():
    table = regrets()
    shown = table[table.variant == regret.AS_RUN]
    assert len(shown) == 2 * len(NAMES) * 2
    assert not table.duplicated(["task", "method", "variant", "seed"]).any()
    assert (shown.regret >= 0).all()
    assert shown[shown.task == "ridge"].error.notna().all()
    assert table[table.task == "logistic"].error.isna().all()


VARIANTS = {
    ("first_order", "labels kept"): {"method.learn"},
    ("first_order", "weights learned"): {"method.learn"},
    ("gradient_matching", "normal start"): {"method.network.scale"},
    ("unrolled", "own steps"): {"judge.learned_by"},
    **{(name, MISMATCH): {"method.network.type", "method.network.threshold"} for name in OWN if name != "distribution_matching"},
    ("distribution_matching", MISMATCH): {"method.type", "method.threshold"},
    **{(name, "other weights"): {"set.weights"} for name in GIVEN[:4]},
}


def test_every_variant_differs_from_the_method_as_run_in_what_it_names_and_in_nothing_else():
    table = regrets()
    settings = [column for column in table.columns if "." in column]
    assert list(table.columns[-len(settings) :]) == settings
    changed = table[table.variant != regret.AS_RUN]
    assert set(zip(changed.method, changed.variant, strict=True)) == set(VARIANTS)
    for (task, method, variant), rows in changed.groupby(["task", "method", "variant"]):
        base = table[(table.task == task) & (table.method == method) & (table.variant == regret.AS_RUN)]
        both = pd.concat([base, rows])[settings]
        assert {column for column in settings if both[column].nunique(dropna=False) > 1} == VARIANTS[method, variant]


def test_two_freedoms_of_one_surrogate_differ_in_the_name_and_the_parts_that_are_learned():
    table = regrets()
    settings = [column for column in table.columns if "." in column]
    both = table[(table.task == "ridge") & table.method.str.startswith("kernel_inducing")][settings]
    assert {column for column in settings if both[column].nunique(dropna=False) > 1} == {"method.name", "method.learn"}


def test_reweighting_turns_one_convention_into_the_other():
    world, runs = small(), made()["ridge"]
    means, rows = runs["k_means"].distilled, runs["random"].distilled
    assert (regret.reweighted(world, means).w == 1).all()
    assert regret.reweighted(world, rows).w.sum(-1).tolist() == pytest.approx([442.0, 442.0])
    assert means.w.sum(-1).tolist() == [442, 442]


def test_the_longest_runs_of_the_effort_are_those_of_the_map_and_shorter_ones_have_a_schedule_of_their_own():
    table = tried()
    assert sorted(table.steps.unique()) == [1, 4]
    assert set(table.method) == set(report.ITERATIVE)
    assert (table["trial.steps"] == table.steps).all()
    scheduled = table["method.horizon"].notna()
    assert (table[scheduled]["method.horizon"].astype(float) == table[scheduled].steps).all()
    shown = regrets()[regrets().variant == regret.AS_RUN]
    for task, method in (("ridge", "unrolled"), ("logistic", "gradient_matching")):
        longest = table[(table.task == task) & (table.method == method) & (table.steps == 4)]
        assert longest.regret.tolist() == shown[(shown.task == task) & (shown.method == method)].regret.tolist()


def test_settled_is_an_interval_inside_the_margin():
    rows = [(seed, steps, 0.1 + seed * (steps == 25)) for seed in range(6) for steps in (25, 100)]
    moved = pd.DataFrame(rows, columns=["seed", "steps", "regret"])
    assert not report.settled(report.change(moved))
    assert report.settled(report.change(moved.assign(regret=0.1 + 1e-4 * moved.regret)))
    assert report.change(moved[moved.steps == 100]).value == 1
    assert not report.settled(report.change(moved[moved.seed == 0]))


def test_a_small_loss_that_halves_has_not_settled_however_few_points_it_is():
    rows = [(seed, steps, 1e-6 * (1 + seed) * (2 if steps == 25 else 1)) for seed in range(6) for steps in (25, 100)]
    halved = pd.DataFrame(rows, columns=["seed", "steps", "regret"])
    assert report.change(halved).value == pytest.approx(0.5)
    assert not report.settled(report.change(halved))


def test_a_difference_that_holds_for_many_at_once_needs_a_wider_interval():
    found = estimate([0.1, 0.3, 0.2, 0.25, 0.15, 0.2])
    assert report.differs(found, 1)
    assert not report.differs(estimate([-0.1, 0.3, 0.2, 0.25, -0.15, 0.2]), 1)
    assert not report.differs(found, 10**9)
    assert not report.differs(estimate([0.2]), 1)


def test_numbers_are_finite_and_cover_every_method():
    world = small()
    found = (
        report.settings(world, PROBES)
        | report.faithfulness_numbers(measured())
        | report.regret_numbers(world, regrets())
        | report.effort_numbers(tried())
    )
    assert all(math.isfinite(number.value) for number in found.values())
    for key in ("ridge", "logistic"):
        assert {f"tau_{key}_{name}" for name in METHODS} <= set(found)
        assert {f"tau_{column}_{key}_{name}" for name in METHODS for column in CLOUDS[1:]} <= set(found)
        assert {f"order_{column}_{key}" for column in CLOUDS[1:]} <= set(found)
        assert {f"regret_{key}_{name}" for name in NAMES} <= set(found)
        assert 0 <= found[f"settled_{key}"].value <= len(report.ITERATIVE)
    for column in CLOUDS:
        assert {f"move_{column}_{name}" for name in report.SURROGATES} <= set(found)
        for name in OWN:
            moved, mismatch, own = (found[f"{kind}_{column}_{name}"].value for kind in ("move", "mismatch", "own"))
            assert moved == pytest.approx(mismatch - own)
        assert 0 <= found[f"moves_clear_{column}"].value <= len(report.SURROGATES)
    assert found["error_exact"].value >= found["error_bound"].value
    assert found["regret_ridge_exact"].value >= found["regret_bound"].value
    assert found["first_over_bound"].value >= 1
    assert found["regret_logistic_first_order"].value >= found["unit_weight_limit"].value
    assert found["implicit_difference"].value < 1e-9
    assert found["unit_weight_limit_one"].value > found["unit_weight_limit"].value > 0


def test_the_surrogates_that_are_compared_are_no_risk_and_no_other_s():
    means = measured().query("task == 'ridge' and seed == 0").set_index("method").loc[list(report.SURROGATES)].cloud
    assert (means < 1 - 1e-6).all()
    assert means.is_unique
    assert len(report.SURROGATES) == len(METHODS) - len(faithful.BY_DEFINITION) - len(report.TWICE)


def test_a_set_below_a_certified_limit_is_an_error():
    world, wrong = small(), regrets().copy()
    wrong.loc[(wrong.task == "logistic") & (wrong.method == "herding"), "regret"] = 0.0
    with pytest.raises(ArithmeticError, match="below the certified unit_weight_limit"):
        report.regret_numbers(world, wrong)


def test_the_interval_of_a_correlation_does_not_leave_its_range():
    assert report.correlation([0.2, 1.0]).high == 1
    assert report.correlation([-1.0, 0.0]).low == -1
    assert math.isnan(report.correlation([0.3]).low)


def test_check_numbers_are_those_of_the_tables():
    world = small()
    spread, solved, quantised = checks.same_means(world), checks.trajectory_matching(world), checks.quantisation(world)
    found = report.check_numbers(spread, solved, quantised)
    assert found["dm_largest_logistic"].value == spread.logistic.max()
    others = solved.table[solved.table.N != solved.table.M]
    assert found["tm_ridge_least"].value == others.ridge_error.min() > 1e3 * found["tm_ridge_same"].value
    assert found["tm_others"].value == len(others) == found["tm_settings"].value - 1
    assert found["quantise_points"].value == 4


def test_the_tables_have_every_method_once_and_dashes_where_there_is_nothing():
    table = report.method_table(measured(), regrets(), tried(), made())
    assert len(table) == len(NAMES) + len(OWN)
    assert table.index.is_unique
    assert (table.loc[["exact construction", "random rows"], ["τ, ridge", "last 4 × steps, ridge"]] == "–").all(axis=None)
    assert table.loc["first-order", "τ, logistic"] == "1.00"
    clouds = report.cloud_table(measured())
    assert clouds.shape == (len(report.SURROGATES), 2 * len(CLOUDS))
    for found in (table, clouds):
        assert not found.astype(str).map(lambda cell: "nan" in cell).any(axis=None)


def drawn(**options):
    world = small(**options)
    found = (measured(**options), regrets(**options), tried(**options))
    path = faithful.worked_path(world, made(**options), PROBES, *report.PATH)
    return {
        "map": figures.draw_map(world, *found[:2]),
        "clouds": dumbbells.draw_clouds(found[0]),
        "freedom": dumbbells.draw_freedom(*found[:2]),
        "weights": dumbbells.draw_weights(found[1]),
        "path": figures.draw_path(path, report.PATH[1]),
        "effort": figures.draw_effort(world, found[2]),
        "spectrum": figures.draw_spectrum(world, made(**options), checks.trajectory_matching(world)),
    }


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_the_figures_name_what_they_show_beside_it_and_have_few_series():
    found = drawn()
    for axes in found["map"].axes:
        assert {figures.called(name) for name in figures.MARKS} <= set(texts(axes))
    assert len(figures.MARKS) <= 6
    assert [len(axes.texts) for axes in found["effort"].axes] == [len(figures.CURVES)] * 2
    assert len(figures.CURVES) <= 5
    assert [len(axes.texts) for axes in found["spectrum"].axes] == [len(figures.SPECTRA) + 1, len(figures.SOLVED) + 1]
    assert max(len(figures.SPECTRA), len(figures.SOLVED)) + 1 <= 5
    assert len(found["weights"].axes[0].get_yticklabels()) == len(dumbbells.CHOSEN)
    for name, figure in found.items():
        assert not figure.legends, name
        assert min(text.get_fontsize() for axes in figure.axes for text in axes.texts) >= 8 if name != "path" else True
        plt.close(figure)


def test_the_names_of_the_map_do_not_lie_over_each_other():
    figure, names = drawn()["map"], {figures.called(name) for name in figures.MARKS}
    figure.draw_without_rendering()
    for axes in figure.axes:
        boxes = [Text.get_window_extent(text) for text in axes.texts if text.get_text() in names]  # without its line
        assert len(boxes) == len(names)
        assert sum(box.count_overlaps(boxes) for box in boxes) == len(boxes)  # each with itself
    plt.close(figure)


def test_the_drawn_settings_of_trajectory_matching_are_among_the_solved():
    assert set(figures.SOLVED) <= set(checks.SETTINGS)
    assert any(student == stride for _, student, stride in figures.SOLVED)


def test_one_replicate_draws_without_intervals():
    for figure in drawn(replicates=1, steps=1, budget=1).values():
        assert figure.axes
        plt.close(figure)


def test_a_few_values_have_a_range_and_six_an_interval():
    assert report.spread(2) == report.spread(5) == "ranges"
    assert report.spread(6) == report.spread(12) == "95 % intervals"
    assert np.isfinite(estimate(range(6), "median").low)
