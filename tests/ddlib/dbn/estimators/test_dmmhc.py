"""The released experiments' learner: the published figures on the authors' own files, and each of its steps by other means."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from ddlib.datasets import merge_release
from ddlib.dbn.estimators.dmmhc import DynamicMmhc
from ddlib.dbn.estimators.hill_climbing import hill_climb
from ddlib.dbn.model.generate import random_networks, sample
from ddlib.dbn.model.moments import Moments, log_likelihood, trajectory_moments
from ddlib.dbn.model.network import topological_order
from tests.ddlib.datasets.released import with_release
from tests.ddlib.dbn.estimators.searches import acyclic, by_hand, climbed, covariances, drawn, every, unbiased
from tests.ddlib.dbn.world import generator

PUBLISHED = {
    2: {10: -58_085, 20: -42_319, 50: -38_385, 100: -36_561, 1000: -35_210},
    10: {10: -232_777, 20: -180_135, 50: -162_529, 100: -155_691, 1000: -151_192},
}
"""Log-likelihood of the authors' test rows under the network from so many first clean rows, by the number of slices."""


def data(seed=0, replicates=3, number=40, variables=5, slices=2):
    draw = generator(seed)
    graph, model = random_networks(replicates, variables, draw)
    return graph, sample(model, number, slices, draw)


def score(x, test, learner=DynamicMmhc()):  # noqa: B008
    return log_likelihood(learner.fit(x.unsqueeze(0))[1], test.unsqueeze(0)).sum().item()


@with_release
@pytest.mark.parametrize("slices", PUBLISHED)
def test_every_published_figure_of_clean_rows_is_met_to_the_nat(slices):
    release = merge_release(slices)
    for number, published in PUBLISHED[slices].items():
        assert score(release.train[:number], release.test) == pytest.approx(published, abs=0.51)


@with_release
def test_the_released_distilled_set_has_the_published_figure():
    two = merge_release(2)
    assert score(two.distilled["dd_data5.csv"], two.test) == pytest.approx(-36_338, abs=0.51)


def graphs(allowed):
    """Every acyclic graph inside a skeleton."""
    edges = list(itertools.combinations(range(len(allowed)), 2))
    edges = [(i, j) for i, j in edges if allowed[i, j]]
    for ways in itertools.product((0, 1, 2), repeat=len(edges)):
        mask = np.zeros_like(allowed)
        for way, (i, j) in zip(ways, edges, strict=True):
            if way:
                mask[(i, j) if way == 1 else (j, i)] = True
        if acyclic(mask):
            yield mask


@pytest.mark.parametrize("number", [8, 30, 200])
def test_the_restricted_search_climbs_to_the_best_graph_in_the_skeleton_or_to_a_local_one(number):
    x = drawn(number, 12, number, 4)
    covariance, rows = covariances(x)
    allowed = torch.rand(12, 4, 4, generator=generator(number)) < 0.8
    allowed &= allowed.mT & every(12, 4)
    found = hill_climb(covariance, rows, 4, allowed=allowed, unbiased=True)
    assert not (found & ~allowed).any()
    best = 0
    for r in range(12):
        reached = unbiased(covariance[r].numpy(), found[r].numpy(), number)
        others = [(unbiased(covariance[r].numpy(), mask, number), mask) for mask in graphs(allowed[r].numpy())]
        highest = max(value for value, _ in others)
        assert reached <= highest + 1e-9
        best += reached > highest - 1e-6
        assert all(value < reached + 1e-5 for value, mask in others if (mask != found[r].numpy()).sum() == 1)
    assert best >= 6


@pytest.mark.parametrize("number", [7, 15, 100])
def test_it_is_a_skeleton_and_a_search_within_the_first_slice_and_again_between_slices(number):
    """With the skeleton found one test after the other, and every move of the search tried by direct regressions."""
    _, x = data(number, 4, number)
    graph, _ = DynamicMmhc().fit(x)
    assert torch.equal(graph.first, graph.intra)
    topological_order(graph.first)
    for r in range(4):
        rows = x[r].flatten(-2).numpy()
        within, across = np.zeros((10, 10), bool), np.zeros((10, 10), bool)
        within[:5, :5] = ~np.eye(5, dtype=bool)
        across[:5, 5:] = across[5:, :5] = True
        first = by_hand(rows, within)[:5, :5]
        inter = by_hand(rows, across)[5:, :5]
        covariance = np.cov(rows.T, bias=True)
        assert (graph.first[r].numpy() == climbed(covariance[:5, :5], first, number)).all()
        whole = np.zeros((10, 10), bool)
        whole[5:, :5] = inter
        assert (graph.inter[r].numpy() == climbed(covariance, whole, number)[5:, :5]).all()


def test_parameters_are_least_squares_with_unbiased_variances():
    _, x = data(1, 2, 30)
    graph, model = DynamicMmhc().fit(x)
    assert int(graph.first.sum()) and int(graph.inter.sum())
    for r, i in itertools.product(range(2), range(5)):
        parents = torch.cat([graph.intra[r, i], graph.inter[r, i]])
        both = torch.cat([x[r, :, 1], x[r, :, 0]], -1)[:, parents].numpy()
        regressors, y = np.column_stack([np.ones(30), both]), x[r, :, 1, i].numpy()
        slopes, rest = np.linalg.lstsq(regressors, y, rcond=None)[:2]
        weights = torch.cat([model.intra[r, i], model.inter[r, i]])[parents].numpy()
        np.testing.assert_allclose([model.intercept[r, i], *weights], slopes, atol=1e-9)
        assert model.variance[r, i].item() == pytest.approx(rest[0] / (30 - regressors.shape[1]), rel=1e-12)
    biased = replace(DynamicMmhc(), unbiased=False).fit(x)[1]
    alone = model.first_variance[~graph.first.any(-1)], biased.first_variance[~graph.first.any(-1)]
    assert (biased.first_variance <= model.first_variance).all() and torch.allclose(alone[0] * 29, alone[1] * 30)


@pytest.mark.parametrize("learner", [DynamicMmhc(), DynamicMmhc(0.2, 1, 2, 0.5, False, None)], ids=["as released", "otherwise"])
def test_a_batch_gives_what_single_fits_give_and_the_order_of_rows_does_not_matter(learner):
    _, x = data(2, 6, 25, 8, slices=3)
    graph, model = learner.fit(x)
    again = learner.fit(x[:, torch.randperm(25, generator=generator())])
    assert all(torch.equal(a, b) for a, b in zip(graph, again[0], strict=True))
    assert all(torch.allclose(a, b) for a, b in zip(model, again[1], strict=True))
    for r in range(6):
        alone, single = learner.fit(x[r : r + 1])
        assert all(torch.equal(a[r], b[0]) for a, b in zip(graph, alone, strict=True))
        assert all(torch.allclose(a[r], b[0]) for a, b in zip(model, single, strict=True))
    most = learner.most_parents or 8
    assert max(int(part.sum(-1).max()) for part in graph) <= most


def test_data_sets_of_other_sizes_in_the_batch_do_not_matter():
    """A variable with nine strong causes keeps them all beside data sets whose rows do not suffice for nine parents."""
    x = torch.randn(3, 400, 2, 10, dtype=torch.float64, generator=generator(0))
    x[..., 9] = x[..., :9].sum(-1) + 0.1 * x[..., 9]
    rows = torch.tensor([400.0, 8.0, 10.0])
    moments = [trajectory_moments(x[r : r + 1, : int(rows[r])]) for r in range(3)]
    together = DynamicMmhc().learn(Moments(*(torch.cat(parts) for parts in zip(*moments, strict=True))), rows, rows)
    assert together.first[0, 9].sum() + together.first[0, :, 9].sum() == 9
    for r in range(3):
        alone = DynamicMmhc().learn(moments[r], rows[r], rows[r])
        assert all(torch.equal(a[r], b[0]) for a, b in zip(together, alone, strict=True))


def test_with_many_rows_the_true_skeleton_is_found():
    """Within the first slice; and between slices where none has edges within, over which a search between slices does not see."""
    draw = generator(4)
    graph, model = random_networks(5, 5, draw)
    learner, nothing = DynamicMmhc(significance=1e-6), torch.zeros_like(model.intra)
    first = learner.fit(sample(model, 20_000, 2, draw))[0].first
    inter = learner.fit(sample(model._replace(intra=nothing, first_weights=nothing), 20_000, 2, draw))[0].inter
    within = [part | part.mT for part in (first, graph.first, model.first_weights.abs() > 0.2)]
    for found, edges, strong in (within, (inter, graph.inter, model.inter.abs() > 0.2)):
        assert strong.any() and not (strong & ~found).any() and not (found & ~edges).any()


def test_only_so_many_slices_are_read():
    _, x = data(3, 2, 60, slices=4)
    cut, whole = DynamicMmhc().fit(x), DynamicMmhc(slices=None).fit(x)
    alone = DynamicMmhc(slices=None).fit(x[:, :, :2])
    assert all(torch.equal(a, b) for a, b in zip(cut[1], alone[1], strict=True))
    moments = trajectory_moments(x)
    learned = DynamicMmhc().learn(moments, 60, 180)
    assert all(torch.equal(a, b) for a, b in zip(whole[0], learned, strict=True))
    assert not torch.equal(cut[1].variance, whole[1].variance)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (torch.zeros(1, 9, 2, 3, dtype=torch.float64), "a variance is zero"),
        (torch.randn(1, 3, 2, 3, generator=generator()), "from 4 rows or more, but a data set has 3"),
        (torch.randn(1, 9, 1, 3, generator=generator()), "at least 2 slices"),
    ],
)
def test_clear_errors(rows, message):
    with pytest.raises(ValueError, match=message):
        DynamicMmhc().fit(rows)


def test_too_few_rows_for_the_parents_of_both_searches_together_are_refused():
    """Four rows, all significant: a parent within the slice and one before leave one degree of freedom, one more none."""
    x = torch.randn(1, 4, 2, 4, dtype=torch.float64, generator=generator(0))
    with pytest.raises(ValueError, match="4 trajectories of 2 slices are too few for a graph"):
        DynamicMmhc(significance=0.999).fit(x)
