"""Every rival is maximum likelihood on complete clean data; imputation and moments against pandas, scikit-learn and statsmodels."""

import numpy as np
import pandas as pd
import pytest
import torch

from ddlib.dbn.estimators.accelerated import maximum_likelihood
from ddlib.dbn.likelihood.observed import em, observed_log_likelihood
from ddlib.dbn.model.generate import sample
from ddlib.dbn.model.moments import mle
from ddlib.dbn.model.network import Dbn, Graph, select
from ddlib.dbn.pgmpy_bridge import fit
from ddlib.dbn.rivals import RIVALS, RIVALS_IGNORING_NOISE
from ddlib.dbn.rivals.available_cases import available_case, available_case_moments, nearest_covariance
from ddlib.dbn.rivals.federated import federated_averaging
from ddlib.dbn.rivals.imputation import chained_equations, mean_imputation
from ddlib.dbn.sources import Sources, draw_sources, statistics
from tests.ddlib.dbn.world import difference, generator, world

TABLES = [(name, table) for table in (RIVALS, RIVALS_IGNORING_NOISE) for name in table if name != "federated"]


def complete(trajectories=60):
    graph, truth, sources = world()
    return graph, truth, draw_sources(truth, torch.ones_like(sources.observed), trajectories, generator(1), noise=0.0)


@pytest.mark.parametrize(("name", "table"), TABLES)
def test_on_complete_clean_data_they_are_maximum_likelihood(name, table):
    """All but the mean of the sources' own fits, which has its own test."""
    graph, _, sources = complete()
    assert difference(table[name](graph, sources), mle(graph, sources.values.flatten(1, 2))) < 1e-9


def test_and_so_is_pgmpy():
    graph, _, sources = complete()
    ours = available_case(graph, sources)
    for r in range(2):
        theirs = fit(graph, r, sources.values[r].flatten(0, 1))
        assert difference(select(ours, [r]), Dbn(*(part.view(1, *part.shape[-(1 + (part.ndim > 1)) :]) for part in theirs))) < 1e-7


def test_pairwise_covariance_is_pandas():
    _, _, sources = world()
    values = sources.values[0].flatten(0, 1)
    pairs = torch.cat([values[:, 1:], values[:, :-1]], dim=-1).flatten(0, 1)
    for rows, found in ((values[:, 0], 1), (pairs, 3)):
        frame = pd.DataFrame(rows.numpy())
        here = available_case_moments(sources)
        seen = frame.notna().to_numpy(dtype=float)
        count = seen.T @ seen
        expected = np.where(count > 0, frame.cov().to_numpy() * (count - 1) / np.maximum(count, 1), 0.0)
        np.testing.assert_allclose(here[found][0].numpy(), expected, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(here[found - 1][0].numpy(), frame.mean().to_numpy(), rtol=1e-12)


def test_the_noise_is_subtracted():
    _, truth, sources = world()
    everything = torch.ones_like(sources.observed)
    noisy = draw_sources(truth, everything, 4000, generator(1), noise=0.6)
    clean = draw_sources(truth, everything, 4000, generator(1), noise=0.0)
    corrected, plain = available_case_moments(noisy, "subtracted"), available_case_moments(clean)
    assert (corrected.pair_covariance - plain.pair_covariance).abs().max() < 0.1
    raw = available_case_moments(noisy).pair_covariance - corrected.pair_covariance
    torch.testing.assert_close(raw, torch.eye(8, dtype=torch.float64).expand(2, 8, 8) * 0.36)


def test_a_matrix_that_is_no_covariance_fails_openly_and_is_repaired():
    _, _, sources = world()
    full = Graph(*(torch.ones(2, 4, 4, dtype=torch.bool).tril(-1) for _ in range(2)), torch.ones(2, 4, 4, dtype=torch.bool))
    huge = sources._replace(noise=torch.full_like(sources.noise, 3.0))
    huge.noise[1] = 0.3
    failed = available_case(full, huge, "subtracted")
    assert failed.variance[0].isnan().all()
    assert failed.variance[1].isfinite().all()
    repaired = available_case(full, huge, "subtracted", repair=True)
    assert all(part.isfinite().all() for part in repaired)
    assert (repaired.variance > 0).all()


def test_a_repaired_covariance_is_one_and_a_covariance_stays_as_it_is():
    random = torch.randn(3, 6, 6, dtype=torch.float64, generator=generator())
    good = random @ random.mT
    torch.testing.assert_close(nearest_covariance(good, floor=1e-9), good)
    bad = random + random.mT
    found = nearest_covariance(bad)
    assert torch.linalg.eigvalsh(found).min() > 0
    keep = bad.diagonal(dim1=-2, dim2=-1) > 1.0
    torch.testing.assert_close(found.diagonal(dim1=-2, dim2=-1)[keep], bad.diagonal(dim1=-2, dim2=-1)[keep])


def test_clipping_is_statsmodels():
    statsmodels = pytest.importorskip("statsmodels.stats.correlation_tools")
    random = torch.randn(5, 5, dtype=torch.float64, generator=generator(2))
    correlation = 0.5 * (random + random.T)
    correlation.fill_diagonal_(1.0)
    expected = statsmodels.corr_clipped(correlation.numpy(), threshold=1e-3)
    np.testing.assert_allclose(nearest_covariance(correlation, floor=1e-3).numpy(), expected, atol=1e-9)


def test_mean_imputation_is_scikit_learns():
    from sklearn.impute import SimpleImputer

    graph, _, sources = world()
    rows = [SimpleImputer().fit_transform(sources.values[r].flatten(0, 1).flatten(1).numpy()) for r in range(2)]
    filled = torch.stack([torch.as_tensor(part).view(-1, 3, 4) for part in rows])
    assert difference(mean_imputation(graph, sources), mle(graph, filled)) < 1e-9


def test_chained_equations_are_better_than_means_and_repeatable():
    graph, truth, sources = world(replicates=1, trajectories=400)
    found = chained_equations(graph, sources, "subtracted", imputations=2, rounds=3)
    assert difference(found, chained_equations(graph, sources, "subtracted", imputations=2, rounds=3)) == 0
    assert difference(found, truth) < difference(mean_imputation(graph, sources, "subtracted"), truth)


def test_federated_averaging_averages_whole_families_with_sizes():
    graph, truth, sources = complete()
    sources.values[:, 0, 40:, 0, 0] = torch.nan  # source 0 has fewer complete patients
    found = federated_averaging(graph, sources)
    fits = [mle(graph, sources.values[:, k, : 40 if k == 0 else 60]) for k in range(3)]
    expected = type(truth)(*((40 * a + 60 * b + 60 * c) / 160 for a, b, c in zip(*fits, strict=True)))
    assert difference(found, expected) < 1e-10


def test_a_family_that_no_source_sees_stays_at_the_start():
    _, truth, _ = world()
    first = torch.zeros(2, 4, 4, dtype=torch.bool)
    first[:, 1, 0] = True
    pair = Graph(first, first, torch.zeros_like(first))
    pattern = torch.ones(2, 2, 3, 4, dtype=torch.bool)
    pattern[:, 0, :, 0] = False
    pattern[:, 1, :, 1] = False
    found = federated_averaging(pair, draw_sources(truth, pattern, 200, generator(), noise=0.1))
    assert (found.intra == 0).all() and (found.first_weights == 0).all()
    assert (found.variance > 0).all()


def test_accelerated_em_finds_em():
    graph, _, sources = world()
    data = statistics(sources)
    slow, fast = em(graph, data, 3, tolerance=1e-13, iterations=20_000), maximum_likelihood(graph, data, 3)
    assert fast.converged.all()
    assert len(fast.path) * 3 < len(slow.path) or len(slow.path) < 60
    assert (fast.path.diff(dim=0) > -1e-9).all()
    reached = observed_log_likelihood(fast.model, data, 3).sum(-1) - observed_log_likelihood(slow.model, data, 3).sum(-1)
    assert (reached > -1e-7).all()


def test_rivals_take_missing_cells():
    graph, truth, _ = world()
    x = sample(truth, 300, 3, generator()).unflatten(1, (3, 100))
    gone = torch.rand(x.shape, generator=generator(1)) < 0.05
    shape = (2, 3, 3, 4)
    sources = Sources(torch.where(gone, torch.nan, x), torch.ones(shape, dtype=torch.bool), torch.zeros(shape, dtype=torch.float64))
    for rival in (available_case, mean_imputation, federated_averaging):
        assert all(part.isfinite().all() for part in rival(graph, sources))
