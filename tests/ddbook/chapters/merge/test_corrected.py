import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch

from ddbook.chapters.merge.corrected import figures
from ddbook.chapters.merge.corrected.experiment import check_budgets, follow, limit_difference, yardsticks
from ddbook.chapters.merge.corrected.report import clean_worth, numbers, ratio_to_em, ratios, score, summary
from ddbook.kit import looks
from ddbook.kit.merge.bounds import bounds, clean_expectation
from ddbook.kit.merge.finite import complete_regret
from ddbook.kit.merge.setting import Setting
from ddlib.dbn.likelihood.information import dimension, limits
from ddlib.dbn.methods.baselines import complete
from ddlib.methods import FirstOrder, ZerothOrder
from ddlib.problem import regret
from ddlib.settings import is_setting
from ddlib.statistics import paired_difference

mpl.use("Agg")
BUDGETS = [10, 14]


@pytest.fixture(scope="module")
def run():
    setting = Setting(replicates=2, variables=5, slices=3, sources=3, trajectories=60)
    task, leave_one_out = setting.draw()
    results = [yardsticks(task, setting.clean(), BUDGETS, setting.generator(1))]
    for m in BUDGETS:
        results.append(follow(FirstOrder(horizon=8), task, m, 8, setting.generator(m)))
        results.append(follow(FirstOrder(horizon=8, name="first_order_loo"), leave_one_out, m, 8, setting.generator(m)))
        results.append(follow(ZerothOrder(), leave_one_out, m, 8, setting.generator(m)))
    scores = pd.concat([results[0], *(result.scores for result in results[1:])], ignore_index=True)
    curves = pd.concat([result.curve for result in results[1:]], ignore_index=True)
    return task, results, scores, curves


def marks(task):
    return bounds(task.graph, task.truth, task.statistics, task.slices), clean_expectation(task.graph, BUDGETS, task.slices)


def test_both_tasks_share_their_data():
    task, leave_one_out = Setting(replicates=1, trajectories=20).draw()
    assert task.sources is leave_one_out.sources and (task.objective, leave_one_out.objective) == ("all", "leave_one_out")


def test_rows_are_one_per_network(run):
    _, _, scores, _ = run
    assert not scores.duplicated(["method", "budget", "seed"]).any()
    measured = scores[[column for column in scores if not is_setting(column)]]
    assert set(scores.seed) == {0, 1} and np.isfinite(measured.select_dtypes("number")).all(axis=None)
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


def test_the_clean_trajectories_are_the_sources_own():
    exact = Setting(replicates=2, trajectories=30, noise=0.0)
    sources, clean = exact.draw()[0].sources, exact.clean().x.unflatten(1, (5, 30))
    seen = sources.observed.unsqueeze(2).expand_as(clean)
    assert torch.equal(clean[seen], sources.values[seen]) and clean.isfinite().all()
    assert torch.equal(Setting(replicates=2, trajectories=30, noise=0.5).clean().x, clean.flatten(1, 2))


def test_clean_subsets_are_the_first_clean_trajectories(run):
    task, _, scores, _ = run
    clean = Setting(replicates=2, variables=5, slices=3, sources=3, trajectories=60).clean()
    expected = regret(task, task.fit(complete(clean.x[:, :10])), "test")
    np.testing.assert_allclose(score("clean_subset", 10).values(scores), expected, rtol=1e-12)
    np.testing.assert_allclose(score("clean_all", 10).values(scores), regret(task, task.fit(clean), "test"), rtol=1e-12)


def test_table_and_sizes(run):
    task, _, scores, _ = run
    found = numbers(scores, BUDGETS)
    assert found["networks"].value == 2 and found["ipc_smallest"].value == 10 and found["stored_largest"].value == 14 * 15
    assert found["stored_sources"].value == 60 * 3 * 3 * 4  # one of five variables is hidden by each source
    assert found["first_order_ratio_ipc14"].value == np.median(ratio_to_em("first_order", 14).values(scores))
    for table in (summary(scores, BUDGETS), ratios(scores, BUDGETS)):
        assert list(table.columns) == ["IPC 10", "IPC 14"] and "median (range of 2 networks)" in table.index.name
    assert limit_difference(task, Setting().generator(3)) < 1e-10


def invented(networks=3):
    """Scores of known size: regret = 100 × method + budget + the network's number."""
    rows = []
    for place, method in enumerate(
        ["em", "clean_all", "first_order", "first_order_loo", "zeroth_order", "clean_subset", "limit"], 1
    ):
        for budget in [5000] if place < 3 else [10, 20, 50]:
            for seed in range(networks):
                value = 100.0 * place + (budget if place > 2 else 0) + seed
                row = {"method": method, "budget": budget, "seed": seed, "test_ll": -1000 - value, "regret": value}
                rows.append(row | {"train_risk": 40 + place + seed + budget / 1e4, "stored_numbers": 7 * budget, "seconds": 0.5})
    return pd.DataFrame(rows).sample(frac=1.0, random_state=0)  # the order of the rows must not matter


def test_numbers_are_those_of_their_method_and_budget():
    scores = invented()
    found = numbers(scores, [20, 10, 50])
    for place, method in enumerate(["first_order", "first_order_loo", "zeroth_order", "clean_subset"], 3):
        for name, budget in (("smallest", 10), ("largest", 50), ("ipc20", 20)):
            assert found[f"{method}_regret_{name}"].value == 100 * place + budget + 1  # the middle one of three networks
        for name, budget in (("smallest", 10), ("largest", 50)):
            here = 100 * place + budget + np.arange(3)
            assert found[f"{method}_over_clean_all_{name}"].value == np.median(here / (200 + np.arange(3)))
            shortfall = (here - 200 - np.arange(3)) / (1200 + np.arange(3))
            assert found[f"{method}_ll_shortfall_{name}"].value == pytest.approx(np.median(shortfall))
    for place, method in enumerate(["first_order", "first_order_loo", "zeroth_order"], 3):
        at = {budget: (100 * place + budget + np.arange(3)) / (100 + np.arange(3)) for budget in (10, 20, 50)}
        assert found[f"{method}_ratio_smallest"].value == np.median(at[10])
        assert found[f"{method}_ratio_largest"].value == np.median(at[50])
        assert found[f"{method}_worst_ratio"].value == at[50].max() and found[f"{method}_worst_median_ratio"].value == np.median(
            at[50]
        )
        assert found[f"{method}_seconds"].value == 1.5
    assert (found["em_regret"].value, found["clean_all_regret"].value, found["stored_smallest"].value) == (101, 201, 70)
    assert found["lowest_risk_minus_em"].value == pytest.approx(2 + (10 - 5000) / 1e4)


def test_differences_are_paired_on_networks():
    scores = invented()
    found = numbers(scores, [10, 50])
    assert found["first_order_minus_zeroth_order_smallest"][:4] == (-200, -200, -200, 3)
    assert found["first_order_minus_clean_subset_largest"].value == -300
    assert found["zeroth_order_minus_clean_subset_largest"].value == -100
    scores.loc[(scores.method == "zeroth_order") & (scores.seed == 1), "regret"] += 6
    again = numbers(scores, [10, 50])["first_order_minus_zeroth_order_largest"]
    assert tuple(again[:4]) == tuple(paired_difference([0, 0, 0], [200, 206, 200]))


@pytest.mark.parametrize(("networks", "name"), [(3, "median (range of 3"), (6, "median (95 % interval of 6")])
def test_only_95_percent_intervals_are_called_so(networks, name):
    scores = invented(networks)
    assert name in summary(scores, [10]).index.name
    assert (numbers(scores, [10])["em_regret"].low is None) == (networks < 6)


def test_one_network_has_no_interval():
    scores = invented(1)
    assert summary(scores, [10]).loc["em", "IPC 10"] == "100" and ratios(scores, [10]).loc["zeroth_order", "IPC 10"] == "5.1"
    assert all(number.low is None for number in numbers(scores, [10]).values())


def test_figures_can_be_drawn(run):
    task, results, scores, curves = run
    pictures = [
        figures.draw_problem(task, results[1].start, results[1].distilled),
        figures.draw_regret(scores, BUDGETS, *marks(task)),
        figures.draw_curves(curves, scores, BUDGETS, marks(task)[0]),
    ]
    for picture in pictures:
        picture.canvas.draw()
        plt.close(picture)


@pytest.mark.parametrize(
    ("budgets", "epochs", "message"),
    [
        ([10, 20], [5], "1 numbers for 2 budgets"),
        ([], [], "0 numbers for 0 budgets"),
        ([0], [5], "the budget 0"),
        ([4], [5], "the budget 4: give each source a trajectory, from 5 to 100"),
        ([101], [5], "the budget 101"),
        ([10, 10], [5, 5], "a budget twice"),
        ([5], [5], "5 trajectories of 5 slices are too few"),
    ],
)
def test_budgets_that_cannot_work_are_refused_before_any_work(budgets, epochs, message):
    task, _ = Setting(replicates=20, trajectories=20).draw()
    with pytest.raises(ValueError, match=message):
        check_budgets(budgets, epochs, task)


def test_a_budget_below_the_limits_is_drawn_without_it(run):
    task, _, scores, _ = run
    scores = scores[~((scores.method == "limit") & scores.budget.isin(BUDGETS))]
    figure = figures.draw_regret(scores, BUDGETS, *marks(task))
    assert looks.label("limit") not in [text.get_text() for text in figure.legends[0].get_texts()]
    plt.close(figure)
    assert summary(scores, BUDGETS).loc["limit"].tolist() == ["–", "–"]


@pytest.mark.parametrize("sources", [2, 5, 9, 20])
def test_the_flow_says_the_runs_sizes(sources):
    task, _ = Setting(replicates=1, variables=6, sources=sources, trajectories=5).draw()
    start = task.start(2 * sources + 1, Setting().generator(1))
    figure = figures.draw_problem(task, start, start, directions=7)
    titles = [axes.get_title(where) for axes in figure.axes for where in ("left", "center", "right")]  # as the style has it
    text = " ".join([*(text.get_text() for axes in figure.axes for text in axes.texts), *titles])
    assert f"each of {sources} sources" in text and f"{sources - 1} other source" in text and "7 directions" in text
    assert "2–3 trajectories a part" in text
    figure.canvas.draw()
    plt.close(figure)


@pytest.mark.parametrize("name", ["replicates", "variables", "slices", "sources", "trajectories"])
def test_a_setting_without_anything_is_refused(name):
    with pytest.raises(ValueError, match=f"{name} must be at least"):
        Setting(**{name: 0})


def test_the_yardsticks_are_those_of_the_sources(run):
    task, _, _, _ = run
    found, expected = marks(task)
    allowed = limits(task.graph, task.truth, task.statistics, 3)
    np.testing.assert_array_equal(found.bound, allowed.bound)
    np.testing.assert_allclose(found.clean_bound, dimension(task.graph) / 360)  # 3 sources of 60 trajectories
    np.testing.assert_allclose(found.finite, complete_regret(task.graph, 180, 3))
    np.testing.assert_allclose(found.entropy, task.risk(task.truth, "test"))
    assert expected.n.iloc[[0, -1]].tolist() == BUDGETS and (expected.finite > expected.clean_bound).all()
    first = expected[expected.n == 14]
    assert first.finite.item() == complete_regret(task.graph, 14, 3).median().item()


def test_what_a_regret_is_worth(run):
    task, _, _, _ = run
    regrets = complete_regret(task.graph, 37, 3).numpy()
    rows = [{"method": "em", "budget": 180, "seed": r, "regret": regrets[r]} for r in range(2)]
    rows += [{"method": "truth", "budget": 0, "seed": r, "regret": 0.0} for r in range(2)]
    rows += [{"method": "limit", "budget": 8, "seed": r, "regret": 1.0} for r in range(2)]
    rows += [{"method": "first_order", "budget": 14, "seed": r, "regret": regrets[r]} for r in range(2)]
    worth = clean_worth(pd.DataFrame(rows), BUDGETS, task.graph, 3)
    assert worth.to_dict() == {"em": "37", "truth": "–", "limit": "–", "first_order": "37"}


def test_what_is_not_identified_is_drawn_without_a_line(run):
    task, _, scores, _ = run
    lost, expected = marks(task)
    picture = figures.draw_regret(scores, BUDGETS, lost.assign(bound=np.inf), expected)
    picture.canvas.draw()
    plt.close(picture)
