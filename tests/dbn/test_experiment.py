import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from ddlib.dbn import clean_trajectories, figures
from ddlib.dbn.experiment import Setting, check_budgets, follow, limit_difference, numbers, ratio_to_em, summary, yardsticks
from ddlib.methods import FirstOrder, ZerothOrder
from ddlib.problem import Distilled, regret

mpl.use("Agg")
BUDGETS = [10, 14]


@pytest.fixture(scope="module")
def run():
    setting = Setting(replicates=2, variables=5, slices=3, sources=3, trajectories=60)
    task, leave_one_out = setting.draw()
    results = [yardsticks(task, BUDGETS, setting.generator(1))]
    for m in BUDGETS:
        results.append(follow(FirstOrder(horizon=8), task, m, 8, setting.generator(m)))
        results.append(follow(FirstOrder(horizon=8, name="first_order_loo"), leave_one_out, m, 8, setting.generator(m)))
        results.append(follow(ZerothOrder(), leave_one_out, m, 8, setting.generator(m)))
    scores = pd.concat([results[0], *(result.scores for result in results[1:])], ignore_index=True)
    curves = pd.concat([result.curve for result in results[1:]], ignore_index=True)
    return task, results, scores, curves


def regrets(scores, method, budget):
    return scores[(scores.method == method) & (scores.budget == budget)].sort_values("seed").regret.to_numpy()


def test_both_tasks_share_their_data():
    task, leave_one_out = Setting(replicates=1, trajectories=20).draw()
    assert task.sources is leave_one_out.sources and (task.objective, leave_one_out.objective) == ("all", "leave_one_out")


def test_rows_are_one_per_network(run):
    _, _, scores, _ = run
    assert not scores.duplicated(["method", "budget", "seed"]).any()
    assert set(scores.seed) == {0, 1} and np.isfinite(scores.select_dtypes("number")).all(axis=None)
    assert (scores[scores.method == "truth"].regret == 0).all() and (scores[scores.method != "truth"].regret > 0).all()
    limit, em = (scores[scores.method == name].regret.to_numpy() for name in ("limit", "em"))
    np.testing.assert_allclose(limit, np.tile(em, len(limit) // 2), rtol=1e-8)


def test_curves_begin_at_the_start_and_end_at_the_result(run):
    task, results, _, curves = run
    part = curves[(curves.method == "first_order") & (curves.budget == 10) & (curves.seed == 0)]
    assert part.step.iloc[0] == 0 and part.step.iloc[-1] == 8
    first = results[1]
    assert part.test_ll.iloc[0] == -task.risk(task.fit(first.start), "test")[0]
    assert part.test_ll.iloc[-1] == first.scores.test_ll[0]


def test_numbers_and_table(run):
    task, _, scores, _ = run
    found = numbers(scores, BUDGETS)
    assert found["networks"].value == 2 and found["ipc_smallest"].value == 10 and found["stored_largest"].value == 14 * 15
    assert found["stored_sources"].value == 60 * 3 * 3 * 4  # one of five variables is hidden by each source
    assert found["first_order_ratio_ipc14"].value == np.median(ratio_to_em(scores, "first_order", 14))
    ratios = np.concatenate([ratio_to_em(scores, "zeroth_order", budget) for budget in BUDGETS])
    assert found["zeroth_order_worst_ratio"].value == ratios.max()
    medians = [np.median(ratio_to_em(scores, "zeroth_order", budget)) for budget in BUDGETS]
    assert found["zeroth_order_worst_median_ratio"].value == max(medians)
    for end, budget in (("smallest", 10), ("largest", 14)):
        for method in ("first_order", "first_order_loo", "zeroth_order", "clean_subset"):
            own = regrets(scores, method, budget)
            assert found[f"{method}_regret_{end}"].value == np.median(own)
            if method in ("zeroth_order", "clean_subset"):
                ours = regrets(scores, "first_order", budget)
                assert found[f"gain_over_{method}_{end}"].value == pytest.approx((own - ours).mean())
    assert list(summary(scores, BUDGETS).columns) == ["IPC 10", "IPC 14"]
    assert limit_difference(task, Setting().generator(3)) < 1e-10


def test_figures_can_be_drawn(run):
    task, results, scores, curves = run
    pictures = [
        figures.draw_problem(task, results[1].start, results[1].distilled),
        figures.draw_regret(scores, BUDGETS),
        figures.draw_curves(curves, scores, BUDGETS),
    ]
    pictures.append(figures.draw_regret(scores[(scores.method != "limit") | (scores.budget == 0)], BUDGETS))  # none is large enough
    for picture in pictures:
        picture.canvas.draw()
        plt.close(picture)


def test_the_clean_subset_is_the_beginning_of_all_clean_rows(run):
    task = run[0]
    again = yardsticks(task, BUDGETS, Setting(replicates=2).generator(1))
    clean = clean_trajectories(task, task.train.budget, Setting(replicates=2).generator(1))
    for budget in BUDGETS:
        first = Distilled(*(part[:, :budget] for part in clean))
        found = regrets(again, "clean_subset", budget)
        np.testing.assert_allclose(found, regret(task, task.fit(first), "test"), rtol=1e-12)


@pytest.mark.parametrize(
    ("budgets", "epochs", "message"),
    [
        ([10, 20], [5], "1 numbers for 2 budgets"),
        ([], [], "0 numbers for 0 budgets"),
        ([0], [5], "the budget 0"),
        ([4], [5], "the budget 4: give each source a trajectory, from 5 to 5000"),
        ([5001], [5], "the budget 5001"),
        ([10, 10], [5, 5], "names a budget twice"),
    ],
)
def test_budgets_that_cannot_work_are_refused_before_any_work(budgets, epochs, message):
    with pytest.raises(ValueError, match=message):
        check_budgets(budgets, epochs, Setting())
