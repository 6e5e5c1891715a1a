"""One set for several ridge regressions: the trials, their table, the criterion of convergence and the numbers of the prose."""

import pandas as pd
import pytest

from ddbook.chapters.one_dataset import family, report
from ddlib.lens import relative_regret
from tests.ddbook.chapters.one_dataset.ridges import STEPS, TASK, tables, trials


def rows_of(losses, budget=2):
    """Descents of one budget: for each length the loss of each draw."""
    rows = [(budget, n, seed, loss) for n, draws in losses.items() for seed, loss in enumerate(draws)]
    return pd.DataFrame(rows, columns=["budget", "steps", "seed", "regret"]).assign(**{"method.betas": str(family.QUICK)})


def test_descents_of_one_budget_begin_at_the_same_rows_and_differ_in_length_or_constants_alone():
    _, descents, _ = tables()
    assert (descents.groupby("budget")["trial.start"].nunique() == 1).all()
    quick = descents[family.is_quick(descents) & (descents.budget == 2)]
    settings = [column for column in quick if "." in column]
    assert {column for column in settings if quick[column].nunique(dropna=False) > 1} == {"method.horizon", "trial.steps"}
    both = descents[(descents.budget == 2) & (descents.steps == STEPS)]
    assert {column for column in settings if both[column].nunique(dropna=False) > 1} == {"method.betas"}


def test_a_table_has_one_row_per_method_budget_and_draw_with_its_settings_last():
    curves, _, _ = tables()
    assert not curves.duplicated(["method", "budget", "seed"]).any()
    assert set(curves.method) == {"exact", "first_order", "truncated_svd", "k_means", "random", "exact_best", "leading", "krylov"}
    dotted = ["." in column for column in curves]
    assert dotted == sorted(dotted)
    assert curves["method.type"].notna().all()
    exact = curves[(curves.method == "exact") & (curves.budget == 4)]
    assert exact.error.max() < 1e-9


def test_the_recorded_losses_are_those_of_the_sets():
    curves, _, _ = tables()
    trial = next(trial for trial in trials() if trial.method == "k_means" and trial.distilled.budget == 3)
    own = curves[(curves.method == "k_means") & (curves.budget == 3)]
    assert own.regret.tolist() == relative_regret(TASK, trial.distilled).tolist()


@pytest.mark.parametrize(
    ("losses", "rests"),
    [
        ({5: [9.0, 9.0], 10: [1.001, 1.002], 20: [1.0, 1.001]}, True),
        ({10: [1.1, 1.1], 20: [1.0, 1.0]}, False),  # half the steps lose more
        ({10: [1.0, 2.0], 20: [1.0, 2.0]}, False),  # one draw rests on a plateau, far above the other
    ],
)
def test_a_descent_has_converged_if_all_draws_and_half_the_steps_end_at_the_same_loss(losses, rests):
    assert family.converged(rows_of(losses)) == ([2] if rests else [])


def test_one_length_says_nothing_about_convergence():
    with pytest.raises(ValueError, match="two lengths are needed"):
        family.unrest(rows_of({20: [1.0, 1.0]}), 2)


def test_other_constants_do_not_count_for_convergence():
    plateau = rows_of({10: [5.0, 5.0], 20: [5.0, 5.0]}).assign(**{"method.betas": str(family.USUAL)})
    assert family.converged(pd.concat([rows_of({10: [1.0, 1.0], 20: [1.0, 1.0]}), plateau])) == [2]


def test_numbers_of_the_prose_are_those_of_the_tables():
    curves, descents, limits = tables()
    found = report.numbers(TASK, curves, descents, limits, STEPS)
    assert found["middle_budget"].value == 2
    assert found["family_largest"].value == 100
    own = curves[(curves.method == "krylov") & (curves.budget == 2)]
    assert found["krylov_regret_middle"].value == own.regret.median()
    assert found["krylov_regret_middle"].n is None  # nothing was drawn
    assert found["random_regret_middle"].n == TASK.replicates  # k-means may end at one set from all its starts
    ratio = found["exact_best_regret_middle"].value / found["first_order_regret_middle"].value
    assert found["exact_best_over_descent"].value == pytest.approx(ratio)
    assert found["regret_bound_middle"].value == limits.regret[1]
    assert min(found["least_error_over_bound"].value, found["least_regret_over_bound"].value) >= 1
    assert found["short_over_converged"].value >= 0.99  # 32 steps are the nearest to the short length, and the whole


def test_a_set_below_a_bound_is_an_error():
    curves, _, limits = tables()
    with pytest.raises(ArithmeticError, match="no set can have"):
        report.above(curves, limits.assign(error=limits.error + 10))


def test_the_table_of_methods_has_each_once():
    curves, _, _ = tables()
    shown = report.method_table(curves)
    assert list(shown.columns) == [1, 2, 3, 4]
    assert "k-means" in shown.index
    assert shown.index.is_unique
