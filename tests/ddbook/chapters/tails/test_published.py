"""Chapter 10: the published protocol, averaged judgement, screening, chosen grids, blindness to the test, and what is reported."""

import dataclasses
import math
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch

from ddbook.chapters.tails.published import figures, report
from ddbook.chapters.tails.published.designs import Averaged, ChosenGrid, ExactSobol, divisors, relative_error, without_test
from ddbook.chapters.tails.published.experiment import DistilledSet, one_training, published_task, retrain, run_plan, run_table
from ddbook.chapters.tails.published.plans import AUTHORS, Effort, Plan, plans
from ddbook.chapters.tails.published.screening import LatinGrid, Screened
from ddbook.chapters.tails.published.unrolled import WholeUnrolled, _cut
from ddlib.methods import RandomRows
from ddlib.pinn.learners.training import FastTraining
from ddlib.problem import Distilled, distil
from tests.ddlib.worlds import generator

TINY = Effort(
    share=0.02, generation=3, batch=3, screen=0.03, factor=0.03, networks=2, updates=2, unrolled=2, kernel_updates=2, kernel_rows=20
)
SMALL = {"alphas": 6, "steps": 4, "width": 6}


@pytest.fixture(scope="module")
def task():
    return published_task(2, **SMALL)


@pytest.fixture(scope="module")
def tables():
    return {
        "release": run_table(
            published_task(2, **SMALL), [5, 10], TINY, 2, only={"unrolled": [5]}, curves=[5], floor=30, precision="float64"
        ),
        "opposite": run_table(published_task(2, opposite=True, **SMALL), [10], TINY, 1, only={"unrolled": []}, floor=30),
    }


def test_the_data_are_those_of_the_release(task):
    assert task.train.budget == 6 * 18
    assert task.data.target.budget == 6 * 100
    assert set(task.train.x[0, :, 1].tolist()) == set(task.data.target.x[0, :, 1].tolist())
    assert not set(task.train.x[0, :, 1].tolist()) & set(task.data.validation.x[0, :, 1].tolist())
    assert torch.equal(task.train.y, torch.sin(math.pi * task.train.x[..., 0]) + task.train.x[..., 1])
    assert (task.train.x[..., 0].abs() == 1).sum() >= 2 * 2 * 6
    far = published_task(2, opposite=True, **SMALL)
    assert float(far.train.x[..., 1].max()) < 0 < float(far.data.target.x[..., 1].min())


def test_an_average_is_the_mean_of_its_networks(task):
    distilled = task.start(5, generator())
    judged = Averaged(task, 3)
    theta = judged.fit(distilled, generator(1))
    assert theta.shape[:2] == (3, 2)
    each = torch.stack([task.learner.predict(one, task.train.x) for one in theta])
    direct = ((each - task.train.y).norm(dim=-1) / task.train.y.norm(dim=-1)).mean(0)
    assert torch.allclose(judged.risk(theta), direct)
    many = Distilled(*(part.expand(4, *part.shape) for part in distilled))
    assert judged.risk(judged.fit(many, generator())).shape == (4, 2)
    assert not relative_error(task, task.reference, task.train).any()
    assert judged.risk(judged.reference).shape == (2,)
    assert len(judged.blocks(distilled)) == 1


def test_screening_keeps_the_best_subset_of_each_replicate(task):
    judged, seen = Averaged(task), []

    class Watched(Averaged):
        def risk(self, model, split="train"):
            seen.append(judged.risk(model, split))
            return seen[-1]

    kept = Screened(5, 2).choose(Watched(task), 4, generator())
    assert [len(part) for part in seen] == [2, 2, 1]
    again = generator()
    drawn = []
    for count in (2, 2, 1):
        drawn += [task.start(4, again) for _ in range(count)]
        many = Distilled(*(torch.stack(parts) for parts in zip(*drawn[-count:], strict=True)))
        judged.fit(many, again)
    best = torch.cat(seen).argmin(0)
    for replicate in range(2):
        assert torch.equal(kept.x[replicate], drawn[int(best[replicate])].x[replicate])


def test_finalists_are_judged_again_by_fresh_networks(task):
    judged, seen = Averaged(task, 3), []

    class Watched(Averaged):
        def risk(self, model, split="train"):
            found = super().risk(model, split)
            seen.append((self.networks, found))
            return found

    kept = Screened(6, 6, (LatinGrid(),), (ExactSobol(),), finalists=2, judges=3).choose(Watched(task, 3), 4, generator())
    assert [(networks, part.shape) for networks, part in seen] == [(1, (7, 2)), (3, (2, 2))]
    again = generator()
    many = [LatinGrid().choose(judged, 4, again) for _ in range(6)] + [ExactSobol().choose(judged, 4, again)]
    order, last = seen[0][1].argsort(0), seen[1][1].argmin(0)
    for replicate in range(2):
        best = int(order[int(last[replicate]), replicate])
        assert torch.equal(kept.x[replicate], many[best].x[replicate])


@pytest.mark.parametrize("budget", [5, 10])
def test_a_latin_grid_has_every_alpha_once(task, budget):
    found = LatinGrid().choose(task, budget, generator())
    assert torch.equal(found.y, task.problem.exact_at(found.x))
    alpha, known = found.x[..., 1], task.train.x[..., 1]
    gaps = alpha.sort(-1).values.diff(dim=-1)
    torch.testing.assert_close(gaps, gaps[:, :1].expand_as(gaps))
    torch.testing.assert_close(alpha.mean(-1), known.mean(-1))
    reach = (alpha.amax(-1) - known.mean(-1)) / known.std(-1)
    assert ((reach >= 1.2) & (reach <= 2.4)).all()
    assert all(len({round(x, 9) for x in row.tolist()}) in {budget, budget / 2} for row in found.x[..., 0])


def test_unrolled_training_is_the_learners_and_its_gradient_that_of_finite_differences(task):
    method = WholeUnrolled(networks=2, training=FastTraining(4), clip=math.inf)
    chosen = task.start(3, generator())
    many = Distilled(*(part.expand(2, *part.shape) for part in chosen))
    first = torch.stack([task.initial(generator(seed)) for seed in (1, 2)])
    end, kept = method.path(task, many, first, True)
    torch.testing.assert_close(end, task.learner.train(first, many, 4), rtol=1e-6, atol=1e-9)
    assert len(kept) == 4
    one = dataclasses.replace(method, networks=1)
    x, y = chosen.x.clone().requires_grad_(), chosen.y.clone().requires_grad_()
    slopes = torch.autograd.grad(one.surrogate(task, chosen._replace(x=x, y=y), generator(3)).sum(), (x, y))
    for slope, part, index in ((slopes[0], "x", (0, 1, 0)), (slopes[0], "x", (1, 2, 1)), (slopes[1], "y", (1, 0))):
        step = torch.zeros_like(getattr(chosen, part))
        step[index] = 1e-6
        ends = [chosen._replace(**{part: getattr(chosen, part) + sign * step}) for sign in (1, -1)]
        risks = [one.surrogate(task, each, generator(3)).sum() for each in ends]
        torch.testing.assert_close(slope[index], (risks[0] - risks[1]) / 2e-6, rtol=1e-4, atol=1e-7)


def test_unrolling_lowers_the_risk_of_fresh_networks():
    """On the average over data sets: ten updates from two noisy networks each need not help on every one."""
    task = published_task(8, alphas=6, steps=24, width=6)
    method = WholeUnrolled(networks=2, training=FastTraining(24, 0.003), horizon=10, lr=0.05)
    before, after = (distil(method, task, 4, updates, generator())[0] for updates in (0, 10))
    judge = dataclasses.replace(method, networks=8)
    risks = [judge.surrogate(task, each, generator(9)) for each in (before, after)]
    assert risks[1].mean() < risks[0].mean() - 0.05
    assert (risks[1] < risks[0]).sum() > 4


def test_long_gradients_are_cut_and_infinite_ones_dropped():
    x = torch.tensor([3.0, 1.0, torch.inf, 0.5]).view(4, 1, 1, 1)
    y = torch.tensor([4.0, 0.0, 1.0, 0.0]).view(4, 1, 1)
    cut = _cut((x, y), 10.0)
    torch.testing.assert_close(cut[0].flatten(), torch.tensor([0.6, 1.0, 0.0, 0.5]))
    torch.testing.assert_close(cut[1].flatten(), torch.tensor([0.8, 0.0, 0.0, 0.0]))


def test_a_grid_is_chosen_on_validation_rows(task):
    assert divisors(40) == [4, 5, 8]
    for budget in (5, 8):
        found = ChosenGrid().choose(Averaged(without_test(task), 2), budget, generator())
        alphas = {round(value, 9) for value in found.x[0, :, 1].tolist()}
        assert len(alphas) in divisors(budget)
        assert torch.equal(found.y, task.problem.exact_at(found.x))
        assert len({tuple(row) for row in found.x[0].tolist()}) == budget


def test_sobol_points_lie_on_the_tail_they_name():
    far = published_task(2, opposite=True, **SMALL)
    low, high = (ExactSobol(tail).choose(far, 8, generator()) for tail in ("train", "target"))
    assert float(low.x[..., 1].max()) < 0 < float(high.x[..., 1].min())
    assert torch.equal(high.y, far.problem.exact_at(high.x))


@pytest.mark.parametrize("opposite", [False, True])
def test_no_method_sees_a_label_of_the_test(opposite):
    task, found = published_task(2, opposite=opposite, **SMALL), {}
    for plan in plans(5, TINY, opposite, 4):
        before = found.get(plan.after)
        with_labels, without = (run_plan(plan, each, 5, generator(), before=before)[-1] for each in (task, without_test(task)))
        found[plan.method.name] = with_labels
        for one, other in zip(with_labels.distilled, without.distilled, strict=True):
            assert one.isfinite().all()
            assert torch.equal(one, other), plan.method.name


def test_search_spends_the_authors_trainings():
    for points, published in AUTHORS.items():
        by_name = {plan.method.name: plan for plan in plans(points, Effort())}
        assert by_name["derivative_free"].method.trainings == published.trainings == by_name["derivative_free"].updates
        screened, averaged = by_name["screened"].method, by_name["averaged_search"].method
        assert screened.count + screened.finalists * screened.judges == published.trainings
        assert averaged.trainings * 4 == published.trainings


def test_retraining_is_training_on_each_set_from_shared_first_weights(task):
    one, other = (task.start(5, generator(seed)) for seed in (1, 2))
    sets = [DistilledSet("one", 5, 0.0, True, one), DistilledSet("other", 5, 0.0, True, other)]
    scores = retrain(sets, task, 3, generator(), "float64")
    assert len(scores) == 2 * 3 * 2
    first = task.learner.initial(Distilled(*(part.expand(3, *part.shape) for part in one)), generator())
    theta = task.learner.train(first, Distilled(*(part.expand(3, *part.shape) for part in other)))
    direct = task.risk(theta, "test")
    part = scores[scores.method == "other"].sort_values(["network", "set"])
    assert np.allclose(part.error.to_numpy(), direct.flatten().numpy())


def test_marks_and_time(task):
    plan = next(plan for plan in plans(5, Effort(share=0.05)) if plan.method.name == "derivative_free")
    sets = run_plan(plan, task, 5, generator())
    assert [made.final for made in sets] == [False, False, False, True]
    assert all(a.seconds <= b.seconds for a, b in pairwise(sets))
    assert len(run_plan(plan._replace(curve=False), task, 5, generator())) == 1
    assert one_training(task, 5, generator()) > 0


def test_numbers_tables_and_figures_tell_the_scores(tables):
    scores = tables["release"].scores
    found = report.numbers(tables, TINY)
    final = scores[(scores.method == "random") & (scores.points == 5)]
    direct = final.groupby("set").error.median()
    assert found["release_random_5"].value == pytest.approx(direct.median())
    best = report.chosen(scores, 5)
    others = [np.median(report.values(scores, name, 5, "validation")) for name in report.methods(scores)]
    assert np.median(report.values(scores, best, 5, "validation")) == pytest.approx(min(others))
    assert report.chosen(tables["opposite"].scores, 10) not in report.CHEATS
    assert found["sizes"].value == 2
    assert set(scores[scores.method == "unrolled"].points) == {5}
    assert not (tables["opposite"].scores.method == "unrolled").any()
    assert found["release_pairs"].value == 4
    assert 0 <= found["goals_met"].value <= 2
    assert list(report.error_table(scores).columns) == ["5 points", "10 points"]
    assert report.error_table(scores).index[-1] == "chosen on validation rows"
    assert list(report.authors_table(scores)["distilled, authors"]) == ["0.179", "0.154"]
    assert len(report.cost_table(tables["release"])) == len(report.methods(scores)) + 1
    drawn = [
        figures.draw_errors(tables),
        figures.draw_compute(tables["release"], [5, 10]),
        figures.draw_sets(tables["release"], 5, figures.shown_sets(tables["release"], 5)),
    ]
    assert all(figure.axes for figure in drawn)
    plt.close("all")


def test_the_interval_is_named_as_what_it_is():
    assert "no interval" in report.interval_note(1, 2)
    assert "range" in report.interval_note(3, 2)
    assert "95 %" in report.interval_note(10, 5)
    assert report.cell(np.array([])) == "–"


def test_what_cannot_be_is_refused(task):
    with pytest.raises(ValueError, match="5, 10, 20, 40"):
        plans(7, Effort())
    with pytest.raises(ValueError, match="positive"):
        plans(5, Effort(share=0.0))
    with pytest.raises(ValueError, match="at least 1 network"):
        Averaged(task, 0)
    with pytest.raises(ValueError, match="at least 1 network"):
        WholeUnrolled(networks=0)
    with pytest.raises(ValueError, match="at least 1 set"):
        Screened(0)
    with pytest.raises(ValueError, match="precision"):
        run_plan(Plan(RandomRows()), task, 5, generator(), "half")
    assert dataclasses.is_dataclass(task)
    assert isinstance(retrain(run_plan(Plan(RandomRows()), task, 5, generator()), task, 1, generator()), pd.DataFrame)
