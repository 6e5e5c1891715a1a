"""Stable patient levels: the exact law, EM against the likelihood, and what each model makes of data that are not Markov."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from ddbook.chapters.merge.limit import figures, report
from ddbook.chapters.merge.limit.levels import forecast_error, history_error, with_levels
from ddbook.chapters.merge.limit.restated import windows
from ddbook.kit.merge.setting import Setting
from ddlib.dbn.estimators.accelerated import maximum_likelihood
from ddlib.dbn.estimators.levels import (
    LevelDbn,
    draw_level_sources,
    gaussian_entropy,
    level_joint,
    level_maximum_likelihood,
    pair_network,
)
from ddlib.dbn.likelihood.observed import law_log_likelihood, observed_log_likelihood
from ddlib.dbn.methods.staged import Staged
from ddlib.dbn.model.moments import gaussian_moments, mean_log_likelihood
from ddlib.dbn.model.network import Dbn, entropy, joint
from ddlib.dbn.rivals import RIVALS
from ddlib.dbn.sources import Sources, statistics
from tests.ddlib.dbn.world import difference, generator, world

mpl.use("Agg")
SLICES = 4
SETTING = Setting(replicates=2, variables=4, slices=3, sources=4, trajectories=60, hidden=0.25)


def leveled(size=0.8, trajectories=2000, noise=0.3):
    graph, truth, sources = world(slices=SLICES)
    model = LevelDbn(truth, torch.full_like(truth.variance, size**2))
    return graph, model, draw_level_sources(model, sources.observed, trajectories, generator(1), noise)


def test_the_law_is_that_of_the_draws():
    _, model, sources = leveled(trajectories=40_000, noise=0.0)
    law = level_joint(model, SLICES)
    data = statistics(sources)
    seen = data.observed[:, 0]
    both = seen.unsqueeze(-1) * seen.unsqueeze(-2)
    scale = law.covariance.diagonal(dim1=-2, dim2=-1).sqrt()
    off = (data.covariance[:, 0] - law.covariance) * both / (scale.unsqueeze(-1) * scale.unsqueeze(-2))
    assert off.abs().max() < 0.03
    assert ((data.mean[:, 0] - law.mean) * seen).abs().max() < 0.06


def test_without_levels_all_is_as_for_the_network():
    _, model, sources = leveled()
    bare = LevelDbn(model.network, 0 * model.level)
    torch.testing.assert_close(level_joint(bare, SLICES).covariance, joint(model.network, SLICES).covariance)
    torch.testing.assert_close(gaussian_entropy(level_joint(bare, SLICES)), entropy(model.network, SLICES))
    data = statistics(sources)
    found = law_log_likelihood(level_joint(bare, SLICES), data)
    torch.testing.assert_close(found, observed_log_likelihood(model.network, data, SLICES))


def test_em_never_lowers_the_likelihood_and_ends_where_its_gradient_is_zero():
    graph, _, sources = leveled(trajectories=300)
    data = statistics(sources)
    found = level_maximum_likelihood(graph, data, SLICES)
    assert found.converged.all()
    assert found.path.diff(dim=0).min() > -1e-9
    parts = [part.clone().requires_grad_() for part in (*found.model.network, found.model.level)]
    masks = (1, graph.first, 1, 1, graph.intra, graph.inter, 1)
    network = Dbn(*(part * mask for part, mask in zip(parts, masks, strict=False)))
    value = law_log_likelihood(level_joint(LevelDbn(network, parts[-1]), SLICES), data).sum() / 900
    gradients = torch.autograd.grad(value, parts)
    for part, gradient in zip(parts, gradients, strict=True):
        assert (gradient * part.detach().abs().clamp(min=1e-3)).abs().max() < 1e-4


def test_the_repaired_model_finds_the_truth_and_the_network_does_not():
    graph, model, sources = leveled(trajectories=20_000)
    data = statistics(sources)
    repaired = level_maximum_likelihood(graph, data, SLICES, tolerance=1e-9).model
    assert difference(repaired.network, model.network) < 0.1
    assert (repaired.level - model.level).abs().max() < 0.1
    law = level_joint(model, SLICES)
    best, pairs = pair_network(graph, law, SLICES), gaussian_moments(law, SLICES)

    def regret(network):
        return mean_log_likelihood(best, pairs, SLICES) - mean_log_likelihood(network, pairs, SLICES)

    plain = regret(maximum_likelihood(graph, data, SLICES, tolerance=1e-9).model)
    fixed = regret(pair_network(graph, level_joint(repaired, SLICES), SLICES))
    moments = regret(RIVALS["available_case"](graph, sources))
    assert (fixed < 0.01).all()
    assert (plain > 10 * fixed).all()
    assert (plain > moments).all()


def test_windows_hide_all_else_and_the_widest_is_everything():
    _, model, sources = leveled()
    data = statistics(sources)
    whole = windows(data, SLICES, SLICES)
    assert all(torch.equal(a, b) for a, b in zip(whole, data, strict=True))
    parts = windows(data, SLICES, 2)
    assert parts.size.shape[1] == 3 * (SLICES - 1)
    found = observed_log_likelihood(model.network, parts, SLICES).view(2, SLICES - 1, 3)
    for t in range(SLICES - 1):
        observed = torch.zeros_like(sources.observed)
        observed[:, :, t : t + 2] = sources.observed[:, :, t : t + 2]
        alone = statistics(Sources(sources.values, observed, sources.noise))
        torch.testing.assert_close(found[:, t], observed_log_likelihood(model.network, alone, SLICES))


def test_bad_choices_are_refused():
    graph, _, sources = leveled()
    data = statistics(sources)
    with pytest.raises(ValueError, match="share of the variance"):
        level_maximum_likelihood(graph, data, SLICES, begin=0.0)
    with pytest.raises(ValueError, match="needs 2 to 4 slices"):
        windows(data, SLICES, 5)


def test_forecasts_of_a_markov_law_need_the_last_visit_only():
    _, truth, _ = world(slices=4)
    law = joint(truth, 4)
    last = forecast_error(law, truth, 4)
    torch.testing.assert_close(last, history_error(law, law, 4))
    other = truth._replace(inter=0 * truth.inter)
    assert (forecast_error(law, other, 4) > last).all()


def test_patients_with_levels():
    found = with_levels(SETTING, [0.2, 0.8], [12], Staged(early=4, steps=6, rounds=1, cycles=25))
    assert set(found.method) == {
        "best_network",
        "clean_all",
        "em",
        "em_pairs",
        "em_levels",
        "available_case",
        "first_order",
        "first_order_pairs",
    }
    best = found[found.method == "best_network"]
    np.testing.assert_allclose(best.regret, 0, atol=1e-12)
    assert (best.history <= best.forecast + 1e-12).all() and (found.beyond >= -1e-12).all()  # no network beats the law itself
    assert (found[found.method != "best_network"].regret > -1e-9).all()
    numbers = report.level_numbers(found)
    assert numbers["largest_level"].value == 0.8 and "level_em" in numbers
    picture = figures.draw_levels(found)
    picture.canvas.draw()
    plt.close(picture)
