"""Chapters 11 and 12: levels share their data, scores against direct computation, target labels unused, settings as selected."""

from dataclasses import replace
from itertools import product

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch

from ddbook.chapters.tails.opposite import experiment as run
from ddbook.chapters.tails.opposite import figures, plans, price_figures, report, selection, sentences
from ddbook.chapters.tails.opposite.course import course, course_scores
from ddbook.chapters.tails.opposite.ladder import climb
from ddbook.chapters.tails.opposite.learners import UNSEEN, Scaled, fit_all, judges
from ddbook.chapters.tails.opposite.lessons import TeacherModel, make_task, pinn, prepare, problems_named, some_of
from ddbook.chapters.tails.opposite.price import ROWS, break_even, price, price_numbers, price_table
from ddbook.chapters.tails.opposite.retrained import OURS, THEIRS, draw_retrained, retrain
from ddbook.chapters.tails.opposite.selection import compare, distillation_candidates, held_out_task, matching_candidates, ranking
from ddbook.chapters.tails.opposite.setting import Setting
from ddbook.kit.tails.draws import draws_for
from ddlib.pinn import PROBLEMS
from ddlib.problem import Distilled
from tests.ddlib.worlds import generator

BUDGETS = (6, 4)
TINY = Setting(replicates=2, budgets=BUDGETS, updates=1, distillation_updates=1, slow_updates=1, trainings=2, steps=3, iterations=2)
LEVELS_WITH_THE_EQUATION = {
    "random": "I1",
    "smoothed": "I2",
    "teacher_uniform": "I3",
    "teacher_sobol": "I3",
    "kernel_distillation": "I3",
    "kernel_matching": "I3",
}


@pytest.fixture(scope="module")
def climbed():
    return climb(PROBLEMS["Poisson"], TINY)


@pytest.fixture(scope="module")
def scored(climbed):
    return run.all_scores(climbed[1], plans.quick_plans(climbed[1], TINY), TINY)


@pytest.fixture(scope="module")
def priced():
    return price(PROBLEMS["Poisson"], TINY, alphas=2)[0]


def test_levels_share_their_data_and_differ_in_their_physics():
    tasks = [make_task(PROBLEMS["screened"], replace(TINY, seed=5), level) for level in (0, 1, 2, 3)]
    assert all(torch.equal(task.train.y, tasks[0].train.y) for task in tasks)
    assert [task.physics.interior.shape[1] for task in tasks] == [0, 128, 256, 256]
    assert [task.physics.boundary.budget for task in tasks] == [0, 32, 32, 64]


def test_the_ladder_has_every_way_at_every_level(climbed):
    scores, _, rungs = climbed
    assert len(scores) == 4 * 3 * 2
    assert set(scores.groupby("level").method.nunique()) == {3}
    assert {(made.level, made.method) for made in rungs} == {*product(range(4), ("teacher_sobol", "kernel_matching"))}
    assert np.isfinite(scores[["error", "residual", "mismatch"]].to_numpy()).all()


def test_the_teacher_is_judged_by_its_function(climbed):
    found, lessons, _ = climbed
    grid = lessons.task.data.target
    direct = (lessons.teacher.labels(grid.x) - grid.y).norm(dim=-1) / grid.y.norm(dim=-1)
    assert np.allclose(report.pick(found, method="informed", level=3), direct)
    with pytest.raises(ValueError, match="not from a set"):
        TeacherModel().fit(None)


def test_scores_are_the_errors_of_retrained_learners(climbed, scored):
    task, (scores, sets) = climbed[1].task, scored
    made = {each.method: each for each in sets[6]}
    assert set(made) == set(plans.quick_plans(climbed[1], TINY))
    for learner in ("kernel", "equation"):
        judge = judges(task, 3)[learner]
        chosen = list(made.values()) if learner == "equation" else [made["kernel_matching"]]
        model = fit_all(judge, [each.distilled for each in chosen], draws_for(task, 0, "weights"))[-1]
        direct = replace(task, learner=judge).risk(model, "test")
        name = chosen[-1].method
        assert np.allclose(report.pick(scores, method=name, budget=6, learner=learner), direct.detach())
    assert set(scores[scores.method == "teacher_sobol"].learner) == {"network", "equation", *UNSEEN}
    assert set(scores[(scores.method == "random") & (scores.learner == "network")].level) == {0}


def test_a_batch_of_sets_trains_what_each_trains_alone(climbed, scored):
    task, sets = climbed[1].task, [each.distilled for each in scored[1][6]]
    learner = judges(task, 3)["network"]
    together = fit_all(learner, sets, generator(), "float64")
    for one, model in zip(sets, together, strict=True):
        assert torch.allclose(fit_all(learner, [one], generator(), "float64")[0], model, atol=1e-12)


def test_no_set_depends_on_a_label_of_the_target_tail(climbed, scored):
    """With not-a-number in place of every exact value, teacher and sets are bitwise the same."""
    lessons, (_, sets) = climbed[1], scored
    data = lessons.task.data
    hidden = {name: getattr(data, name)._replace(y=torch.full_like(data.target.y, torch.nan)) for name in ("target", "inside")}
    blind = prepare(replace(lessons.task, data=data._replace(**hidden)), pinn(TINY), 0)
    for made, known in zip(run.make_sets(blind, plans.quick_plans(blind, TINY), 6, 0), sets[6], strict=True):
        assert made.method == known.method
        assert all(torch.equal(a, b) for a, b in zip(made.distilled, known.distilled, strict=True))


def test_residuals_of_a_learner_without_derivatives_use_fewer_points():
    task = make_task(PROBLEMS["wave"], replace(TINY, replicates=1))
    judge = judges(task)["kernel"]
    own = replace(task, learner=judge)
    some = Distilled(*(part[:, :6] for part in task.train))
    model = judge.fit(some)
    found = run.measured(own, model, most=600)
    assert torch.equal(found.error, own.risk(model, "test"))
    assert torch.isfinite(found.residual).all()


def test_the_descent_begins_at_the_points_that_it_is_compared_with(climbed):
    """Otherwise a lucky draw of Sobol points would count as a merit of the descent."""
    lessons = climbed[1]
    chosen = {name: plan for name, plan in plans.quick_plans(lessons, TINY).items() if name in ("teacher_sobol", "kernel_matching")}
    still = {name: plan._replace(updates=0) for name, plan in chosen.items()}
    sobol, start = (made.distilled for made in run.make_sets(lessons, still, 6, 0))
    assert torch.equal(sobol.x, start.x)
    assert torch.equal(sobol.y, start.y)


def test_problems_and_seeds_are_independent_draws():
    tasks = [make_task(PROBLEMS[name], Setting(1, seed)) for name in ("screened", "conduction") for seed in (0, 1)]
    draws = [task.train.x for task in tasks]
    assert not any(torch.allclose(a, b) for i, a in enumerate(draws) for b in draws[:i])
    assert torch.equal(make_task(PROBLEMS["screened"], Setting(1, 0)).train.y, tasks[0].train.y)


def test_every_slow_method_makes_a_set(climbed):
    lessons = climbed[1]._replace(task=replace(climbed[1].task, learner=judges(climbed[1].task, 2)["network"]))
    slow = plans.slow_plans(lessons, replace(TINY, steps=2))
    assert tuple(slow) == plans.SLOW
    for made in run.make_sets(lessons, slow, 4, 0):
        assert made.distilled.budget == 4
        assert all(torch.isfinite(part).all() for part in made.distilled)


def test_the_course_ends_at_the_set_of_the_tables(climbed):
    lessons = climbed[1]
    setting = replace(TINY, budgets=(4,), updates=2, steps=2)
    along = course(lessons, setting, points=3)
    (made,) = run.make_sets(lessons, {"kernel_matching": plans.matching(lessons.teacher, 2)}, 4, 0)
    assert [step for step, _ in along] == [0, 1, 2]
    assert torch.equal(along[-1][1].x, made.distilled.x)
    assert set(course_scores(lessons, setting).step) == {0, 1, 2}


def test_the_setting_of_the_tables_is_a_candidate(climbed):
    chosen = plans.matching(climbed[1].teacher, 200)
    assert chosen.method in [plan.method for plan in matching_candidates(climbed[1]).values()]
    free = plans.kernel_distillation(30)
    assert free.method in [plan.method for plan in distillation_candidates(climbed[1]).values()]
    counts = [len(each(climbed[1])) for each in (matching_candidates, distillation_candidates)]
    assert counts == list(selection.candidates().values())


def test_settings_are_compared_by_the_physics_of_the_target_tail(climbed):
    task = held_out_task(climbed[1].task)
    low, high = task.problem.law.interval("upper", 0.3)
    assert ((task.held_out.interior[..., -1] > low) & (task.held_out.interior[..., -1] < high)).all()
    assert float(task.risk(task.reference, "validation").max()) < 1e-20
    two = lambda lessons: {f"{n}": plans.matching(lessons.teacher, n) for n in (1, 2)}  # noqa: E731
    found = compare([PROBLEMS["Poisson"]], two, replace(TINY, seed=100, budgets=(4,), steps=2))
    order = ranking(found)
    assert order.iloc[0] == pytest.approx(np.exp(np.log(found[found.candidate == order.index[0]].risk).mean()))
    assert order.is_monotonic_increasing
    with pytest.raises(ValueError, match="I3"):
        held_out_task(make_task(PROBLEMS["Poisson"], Setting(1), 2))


def test_goals_compare_medians_with_their_limits(climbed, scored):
    scores = scored[0]
    judged = report.goals(scores, 6)
    assert list(judged.goal) == ["quarter", "small", "small", "unseen", "unseen", "unseen"]
    network = {"learner": "network", "method": "kernel_matching", "budget": 6}
    assert judged.value[0] == pytest.approx(np.median(report.pick(scores, **network)))
    assert judged.limit[0] == pytest.approx(np.median(report.pick(scores, learner="network", method="full")) / 4)
    theirs = report.median(scores, learner="forest", method="teacher_sobol", budget=6)
    assert judged.limit.iloc[-1] == pytest.approx(1.5 * theirs)
    found = report.numbers(scores, climbed[0], judged, 6)
    assert found["unseen_met"].value == judged[judged.goal == "unseen"].met.sum()
    assert found["pairs"].value == 2
    assert "of 3" in report.goal_table(judged).met.iloc[-1]
    assert np.isnan(report.median(scores, method="nobody"))
    with pytest.raises(ValueError, match="compute it first"):
        report.pick(scores, method="nobody")


def test_tables_and_figures_of_chapter_11(climbed, scored):
    scores, sets = scored
    solver = pd.DataFrame({"problem": ["Poisson"], "seconds": [0.01], "error": [2e-11]})
    table = report.reference_table(scores, climbed[0], solver)
    assert table.Poisson.iloc[-1] == "2e-11"
    assert table.Poisson.iloc[0] == report.shown(report.median(scores, method="full", learner="network"))
    rows = report.method_table(scores, 6, "equation").level
    assert dict(rows) == {report.called(name): level for name, level in LEVELS_WITH_THE_EQUATION.items()}
    assert len(report.ladder_table(climbed[0])) == 4
    assert len(report.unseen_table(scores, 6)) == 5
    task, made = climbed[1].task, sets[6][-1].distilled
    models = {"full": fit_all(judges(task, 2)["network"], [task.train], generator())[0]}
    drawn = [
        figures.draw_ladder(climbed[0]),
        figures.draw_budgets(scores, climbed[0]),
        figures.draw_course(pd.DataFrame({"problem": "Poisson", "step": [0, 1], "seed": 0, "error": [0.2, 0.1]})),
        figures.draw_unseen(scores, 6),
        figures.draw_sets([figures.pictured(task, made, models)]),
    ]
    assert [len(figure.axes) for figure in drawn] == [3, 1, 1, 1, 2]
    plt.close("all")


def test_prices_count_the_teacher_and_the_set(priced):
    assert {(m, kind) for m, kind in zip(priced.method, priced.learner, strict=True)} >= set(ROWS)
    ours = report.median(priced, "seconds", method="kernel_matching", learner="network")
    assert ours > report.median(priced, "seconds", method="informed")
    assert np.isnan(report.median(priced, "residual", method="solver"))
    assert report.median(priced, method="solver") < 1e-8
    assert report.median(priced, "labels", method="exact_labels", learner="network") == 0
    assert len(price_table(priced, "Poisson")) == len(ROWS)
    found = price_numbers(priced)
    assert found["pairs"].value == 2
    assert found["labels_above_sobol"].value in (0, 1, 2)
    assert (priced[priced.method == "exact_labels"].level == 4).all()
    fit = report.median(priced, "seconds", method="exact_labels", learner="network")
    pinns = report.median(priced, "seconds", method="informed")
    (even,) = break_even(priced.assign(seconds=priced.seconds.where(priced.method != "informed", pinns + 1 + fit)))
    assert even == pytest.approx((ours - fit) / (pinns + 1))
    assert found["distilled_poisson"].value == pytest.approx(report.median(priced, method="kernel_matching", learner="network"))
    drawn = [price_figures.draw_price(priced), price_figures.draw_faithful(priced), price_figures.draw_chain(priced)]
    assert [len(figure.axes) for figure in drawn] == [1, 2, 1]
    plt.close("all")


def test_rows_are_trained_again_by_deepxde(climbed, scored):
    """Two programs, the same steps on the same points: errors of the same size."""
    task, sets = climbed[1].task, scored[1][4]
    found = retrain(task, sets[:2], replace(TINY, precision="float64", steps=300), networks=3)
    assert found.groupby(["method", "program"]).size().tolist() == [1, 3] * 2
    theirs = found[found.program == THEIRS].set_index("method").error
    ours = found[found.program == OURS].groupby("method").error.median()
    ratios = theirs / ours
    assert ratios.between(0.5, 2).all()
    assert f"{ratios.min():.2f} to {ratios.max():.2f} times" in sentences.retrained_sentence(found)
    assert "Of 2 rows" in sentences.retrained_sentence(found)
    assert len(draw_retrained(found).axes) == 1
    plt.close("all")


def test_what_cannot_be_is_refused(climbed):
    with pytest.raises(ValueError, match="precision"):
        fit_all(judges(climbed[1].task)["network"], [climbed[1].task.train], generator(), "half")
    with pytest.raises(ValueError, match="'poisson' is none of them"):
        problems_named(["poisson"])
    with pytest.raises(ValueError, match="none is named"):
        problems_named([])
    assert some_of([], [PROBLEMS["wave"]]) == some_of(["Poisson"], [PROBLEMS["wave"]]) == []
    for budgets in ((), (20, 20), (200,)):
        with pytest.raises(ValueError, match="at least one budget, each once and below the 200"):
            Setting(budgets=budgets)
    for wrong in ({"budgets": (20, 0)}, {"updates": 0}, {"trainings": 1.5}, {"replicates": True}):
        with pytest.raises(ValueError, match="whole number of at least 1"):
            Setting(**wrong)
    for name, value in {"seed": -1, "noise": -0.1, "mass": 0.0, "precision": "half"}.items():
        with pytest.raises(ValueError, match=name):
            Setting(**{name: value})


def test_parts_that_were_left_out_say_so(climbed, scored):
    scores = scored[0]
    assert "left out" in sentences.slow_sentence(scores, [], TINY)
    slow = pd.concat([scores, scores[scores.method == "kernel_matching"].assign(method="unrolled", seconds_set=2.0)])
    said = sentences.slow_sentence(slow, ["Poisson"], TINY, ["unrolled"])
    assert "unrolled on the physics" in said and "(2 s for a set)" in said
    assert "no row" in sentences.retrained_sentence(pd.DataFrame())
    assert "have time" in sentences.solver_sentence([], [])
    assert "18 to 31 ms" in sentences.solver_sentence([1e-11, 2e-11], [0.018, 0.031])
    assert "no number of them" in sentences.even_sentence([np.inf], [np.inf])
    assert "from 1.5 to 1.5 networks on, which is so on 1 of 2 problems" in sentences.even_sentence([1.5, np.inf], [1.2, np.inf])
    assert "from 1.2 to 1.2" in sentences.even_sentence([1.5, np.inf], [1.2, np.inf])


def test_a_learner_with_scaled_data_sees_the_unit_cube():
    """The neighbour that is nearest in the cube is not the one that is nearest outside of it."""

    class Memory:
        def fit(self, data, generator=None):
            return data

        def predict(self, model, x):
            return model.y.gather(-1, torch.cdist(x, model.x).argmin(-1))

    x = torch.tensor([[[0.0, 0.0], [1.0, 1000.0], [0.5, 0.0]]], dtype=torch.float64)
    y = torch.tensor([[1.0, 2.0, 3.0]], dtype=torch.float64)
    learner = Scaled(Memory())
    model = learner.fit(Distilled(x, y, torch.ones_like(y)))
    found = learner.predict(model, torch.tensor([[[0.9, 600.0], [0.45, 100.0]]], dtype=torch.float64))
    assert torch.allclose(found, torch.tensor([[2.0, 3.0]], dtype=torch.float64))
    flat = x.clone()
    flat[..., 1] = 7.0
    assert torch.isfinite(learner.predict(learner.fit(Distilled(flat, y, torch.ones_like(y))), flat)).all()
