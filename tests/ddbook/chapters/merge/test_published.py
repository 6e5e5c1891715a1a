"""The released setting: data with and without the defect, the imputed score, Algorithm 1 as released, tables and figures."""

import matplotlib
import numpy as np
import pytest
import torch

from ddbook.chapters.merge.published import figures
from ddbook.chapters.merge.published.data import ReleasedSetting
from ddbook.chapters.merge.published.experiment import (
    algorithm_1,
    carried_in_rows,
    check_published_budgets,
    follow,
    joint_gaussian,
    later_weights,
    yardsticks,
)
from ddbook.chapters.merge.published.imputed_likelihood import imputed_log_likelihood, incomplete
from ddbook.chapters.merge.published.report import comparison, defect_numbers, numbers, protocol, published, score
from ddbook.chapters.merge.published.task import PublishedMerge, learn_network
from ddlib.dbn.model.moments import log_likelihood
from ddlib.dbn.model.network import Dbn, entropy, joint, select, spectral_radius
from ddlib.problem import Distilled, Task, distil
from tests.ddlib.dbn.world import generator, world

matplotlib.use("Agg")

SMALL = {"variables": 6, "sources": 3, "rows": 60, "test_rows": 50, "hidden": 0.2}


@pytest.fixture(scope="module")
def released():
    return ReleasedSetting(replicates=2, **SMALL).draw()


@pytest.fixture(scope="module")
def run():
    """A tiny run of everything that the chapter runs."""
    scores, curves, sets = [], [], None
    for slices in (2, 10):
        setting = ReleasedSetting(2, slices, variables=4, rows=60, test_rows=50, hidden=0.25)
        drawn = setting.draw()
        scores.append(yardsticks(drawn, [10]))
        sets = follow(drawn.task, 10, 2, setting.generator(10))
        scores.append(sets.scores)
        curves.append(sets.curve)
        if slices == 2:
            weights = later_weights(drawn, setting)
    import pandas as pd

    return pd.concat(scores, ignore_index=True), pd.concat(curves, ignore_index=True), weights


def imputed_by_hand(model, sources, r, k):
    """Fill the hidden cells with conditional means of the joint law, then score complete rows."""
    law = joint(select(model, [r]), sources.slices)
    mean, covariance = law.mean[0], law.covariance[0]
    seen = sources.observed[r, k].flatten()
    rows = sources.values[r, k].flatten(1).clone()
    gain = covariance[~seen][:, seen] @ torch.linalg.inv(covariance[seen][:, seen])
    rows[:, ~seen] = mean[~seen] + (rows[:, seen] - mean[seen]) @ gain.T
    return log_likelihood(select(model, [r]), rows.unflatten(1, sources.observed.shape[-2:])[None]).sum()


@pytest.mark.parametrize("slices", [2, 4])
def test_the_imputed_score_is_the_likelihood_of_filled_rows(slices):
    _, truth, sources = world(slices=slices, trajectories=15)
    ours = imputed_log_likelihood(truth, incomplete(sources))
    for r in range(2):
        for k in range(3):
            torch.testing.assert_close(ours[r, k], imputed_by_hand(truth, sources, r, k), rtol=1e-10, atol=1e-8)


def test_the_imputed_score_takes_extra_axes_uneven_gaps_and_complete_sources():
    _, truth, sources = world(slices=3, trajectories=15)
    observed = sources.observed.clone()
    observed[:, 0] = True
    observed[:, 1, 0, :3] = False
    values = torch.where(observed.unsqueeze(2), sources.values.nan_to_num(0.5), torch.nan)
    uneven = sources._replace(values=values, observed=observed)
    other = truth._replace(variance=truth.variance * 1.3, intercept=truth.intercept + 0.2)
    both = imputed_log_likelihood(Dbn(*(torch.stack(parts) for parts in zip(truth, other, strict=True))), incomplete(uneven))
    for m, model in enumerate((truth, other)):
        for k in range(3):
            torch.testing.assert_close(both[m, 1, k], imputed_by_hand(model, uneven, 1, k), rtol=1e-10, atol=1e-8)
    left = incomplete(uneven).without(1)
    torch.testing.assert_close(imputed_log_likelihood(truth, left), imputed_log_likelihood(truth, incomplete(uneven))[:, [0, 2]])


def test_released_columns_are_white_noise_after_the_first_slice_and_noise_is_one_number_per_row():
    setting = ReleasedSetting(replicates=2, noise=0.5)
    drawn = setting.draw()
    later = drawn.clean.x[:, :, 1]
    off = torch.stack([torch.corrcoef(rows.T) for rows in later]) - torch.eye(20, dtype=torch.float64)
    assert off[:2].abs().max() < 0.15 and (off[2:].abs().amax((-2, -1)) > 0.4).all()
    assert (later[:2].std(1) - 0.5).abs().max() < 0.06
    error = drawn.task.sources.values - drawn.clean.x.unflatten(1, (5, 200))
    spread = error.masked_fill(error.isnan(), 0).sum(-1) / (~error.isnan()).sum(-1)
    within = (error - spread.unsqueeze(-1)).nan_to_num()
    assert within[:2].abs().max() < 1e-12 and within[2:].std() > 0.4
    assert spread[:2].std().item() == pytest.approx(0.5, rel=0.05)


def test_both_generators_share_networks_that_stay_finite():
    setting = ReleasedSetting(replicates=3, slices=10)
    drawn = setting.draw()
    assert (spectral_radius(drawn.declared)[3:] <= 0.9 + 1e-9).all()
    assert torch.equal(drawn.graph.inter[:3], drawn.graph.inter[3:])
    assert not drawn.task.truth.inter[:3].any() and drawn.task.truth.inter[3:].count_nonzero(dim=(1, 2)).tolist() == [20] * 3
    torch.testing.assert_close(entropy(drawn.task.truth, 10)[:3], entropy(drawn.task.truth, 10)[3:])
    hidden = (~drawn.task.sources.observed).sum(-1)
    assert (hidden == 2).all() and not torch.equal(drawn.task.sources.observed[..., 0, :], drawn.task.sources.observed[..., 1, :])
    weights = drawn.declared.inter[:3][drawn.graph.inter[:3]]
    assert weights.min() >= 0.4 and weights.max() <= 1.1


def test_the_defect_is_visible_in_the_estimates():
    setting = ReleasedSetting(replicates=2)
    found = defect_numbers(later_weights(setting.draw(), setting))
    for part in ("between_slices", "later_slice"):
        assert abs(found[f"slope_{part}_released"].value) < 0.05
        assert found[f"slope_{part}_described"].value == pytest.approx(1, abs=0.05)
    assert found["slope_first_slice_released"].value == pytest.approx(1, abs=0.05)
    assert found["largest_estimate_between_slices_released"].value < found["smallest_declared_between_slices_released"].value


def test_it_is_a_task_with_summed_risks_and_a_block_per_source(released):
    task = released.task
    assert isinstance(task, Task) and task.train.x.shape == (4, 180, 2, 6)
    start = task.start(9, generator())
    assert start.x.isfinite().all() and start.x.shape == (4, 9, 2, 6)
    model = task.fit(start)
    each = imputed_log_likelihood(model, incomplete(task.sources))
    torch.testing.assert_close(task.risk(model), -each.sum(-1))
    blocks = task.blocks(start)
    assert [block.rows.tolist() for block in blocks] == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    for j, block in enumerate(blocks):
        torch.testing.assert_close(block.risk(model), -each.sum(-1) + each[:, j])
    torch.testing.assert_close(task.risk(model, "test"), -log_likelihood(model, task.test).sum(-1))


def test_perturbed_sets_are_learned_in_one_batch_as_one_by_one(released):
    task = released.task
    starts = [task.start(9, generator(k)) for k in range(3)]
    many = task.fit(Distilled(*(torch.stack(parts) for parts in zip(*starts, strict=True))))
    for k, start in enumerate(starts):
        alone = task.fit(start)
        for ours, theirs in zip(many, alone, strict=True):
            torch.testing.assert_close(ours[k], theirs, rtol=1e-9, atol=1e-9)


def test_a_learned_network_uses_its_graph_only():
    drawn = ReleasedSetting(replicates=1).draw()
    graph, model = learn_network(drawn.clean.x[:, :100], 2, 0.5)
    assert (model.intra[~graph.intra] == 0).all() and (model.inter[~graph.inter] == 0).all()
    assert (graph.intra.sum(-1) + graph.inter.sum(-1)).max() <= 2


def test_one_step_of_algorithm_1_is_the_published_formula(released):
    task = released.task
    method = algorithm_1(20, 2)
    assert (method.sigma, method.lr, method.directions) == (0.08, 4e-5, 10)
    assert (algorithm_1(10, 10).sigma, algorithm_1(10, 10).lr) == (0.1, pytest.approx(8e-6))
    state = method.init(task, 9, generator(1))
    after, _ = method.update(task, state, generator(2))
    draw = generator(2)
    j = int(torch.randint(3, (), generator=draw))
    delta = torch.randn(10, 4, 3, 2, 6, dtype=torch.float64, generator=draw)
    rows = slice(3 * j, 3 * j + 3)

    def log_likelihoods(x):
        each = imputed_log_likelihood(task.fit(state.distilled._replace(x=x)), incomplete(task.sources))
        return each.sum(-1) - each[:, j]

    base, gradient = log_likelihoods(state.distilled.x), 0.0
    for k in range(10):
        x = state.distilled.x.clone()
        x[:, rows] += 0.08 * delta[k]
        gradient = gradient + delta[k] * ((base - log_likelihoods(x)) / 0.08).view(-1, 1, 1, 1) / 10
    expected = state.distilled.x.clone()
    expected[:, rows] -= 4e-5 * gradient
    torch.testing.assert_close(after.distilled.x, expected, rtol=1e-8, atol=1e-8)


def test_algorithm_1_lowers_its_own_risk_and_a_set_keeps_two_slices():
    setting = ReleasedSetting(replicates=1, slices=3, **SMALL)
    task = setting.draw().task
    start = algorithm_1(9, 3).init(task, 9, setting.generator(1)).distilled
    chosen, _ = distil(algorithm_1(9, 3), task, 9, 30, setting.generator(1))
    assert chosen.x.shape == (2, 9, 2, 6)
    assert (task.risk(task.fit(chosen)) < task.risk(task.fit(start))).all()


def test_ems_joint_gaussian_is_carried_by_2p_plus_1_rows():
    task = ReleasedSetting(replicates=2, **(SMALL | {"sources": 5})).draw().task
    estimate = joint_gaussian(task)
    rows, difference = carried_in_rows(task, estimate)
    assert rows == 13 and difference < 1e-8
    assert estimate.converged.all() and (estimate.path.diff(dim=0) > -1e-9).all()


def test_tables_numbers_and_figures(run):
    scores, curves, weights = run
    for slices in (2, 10):
        table = comparison(scores, slices)
        assert table.loc[("clean rows, same number", 10), "published, one seed"] == {2: "-58,085", 10: "-232,777"}[slices]
        assert table.loc[("noisy rows of the sources (start)", 10), "published, one seed"] == "–"
        assert "range of 2 seeds" in table.columns[1]
    found = numbers(scores, [10], [10]) | defect_numbers(weights)
    assert all(np.isfinite(number.value) for number in found.values())
    ours = score(2, "described", "zeroth_order", 10).values(scores)
    assert found["zeroth_order_described_smallest"].value == pytest.approx(np.median(ours)) and len(ours) == 2
    assert published(2, "zeroth_order", 50) == -37_756 and published(10, "em", 0) is None
    assert protocol([(2, 10, 160), (10, 100, 7)], 3)["epochs published"].tolist() == [160, 1200]
    assert set(curves.step) == {0, 1, 2}
    drawn = [
        figures.draw_test_ll(scores, 2, [10]),
        figures.draw_test_ll(scores, 10, [10]),
        figures.draw_curves(curves, scores, 2, [10]),
        figures.draw_defect(weights),
    ]
    for figure in drawn:
        figure.canvas.draw()
        assert len(figure.axes) == 2
    marks = [line for line in drawn[0].axes[0].lines if line.get_label().startswith("published")]
    assert [float(line.get_ydata()[0]) for line in marks] == [-58_085, -43_300]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: ReleasedSetting(rows=1), "rows must be at least 5"),
        (lambda: check_published_budgets([30], [10]), "published budgets"),
        (lambda: check_published_budgets([], []), "published budgets"),
        (lambda: check_published_budgets([10, 20], [160]), "for each of the budgets"),
        (lambda: check_published_budgets([10], [0]), "at least 1"),
        (lambda: ReleasedSetting(replicates=1, **SMALL).draw().task.risk(None, "validation"), "'train' and 'test'"),
    ],
)
def test_clear_errors(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()


def test_test_rows_have_to_fit(released):
    task = released.task
    with pytest.raises(ValueError, match="do not fit"):
        PublishedMerge(task.truth, task.sources, task.test[..., :1, :])
