"""Synthetic patients carry the estimate as far as their number allows."""

import pytest
import torch

from ddlib.dbn.model.moments import trajectory_moments
from ddlib.dbn.model.network import joint
from ddlib.merge.rows import deviation, patients_needed, synthetic_patients
from tests.ddlib.dbn.world import generator
from tests.ddlib.merge.hospital_tables import network

VARIABLES, VISITS = 5, 4
NEEDED = patients_needed(VARIABLES, VISITS)


def draw(number, seed=0):
    model = network(VARIABLES, seed)
    return synthetic_patients(model, number, VISITS, generator(seed)), joint(model, VISITS)


@pytest.mark.parametrize("number", [NEEDED.pairs, NEEDED.pairs + 1, NEEDED.everything - 1])
def test_successive_visits_are_exact(number):
    patients, law = draw(number)
    flat = patients.flatten(1)
    torch.testing.assert_close(flat.mean(0), law.mean[0], rtol=0, atol=1e-12)
    found = flat.T.cov(correction=0)
    for t in range(VISITS - 1):
        pair = slice(t * VARIABLES, (t + 2) * VARIABLES)
        torch.testing.assert_close(found[pair, pair], law.covariance[0][pair, pair], rtol=0, atol=1e-12)
    assert deviation(patients, law)["successive_visits"] < 1e-12 < deviation(patients, law)["everything"]


@pytest.mark.parametrize("number", [NEEDED.everything, 3 * NEEDED.everything])
def test_everything_is_exact(number):
    patients, law = draw(number)
    torch.testing.assert_close(patients.flatten(1).T.cov(correction=0), law.covariance[0], rtol=0, atol=1e-12)


def test_fewer_keep_means_and_variances():
    patients, law = draw(NEEDED.pairs - 1)
    assert deviation(patients, law)["means"] < 1e-12
    torch.testing.assert_close(patients.flatten(1).var(0, correction=0), law.covariance[0].diagonal())
    alone, law = draw(1)
    torch.testing.assert_close(alone.flatten(), law.mean[0])


def test_no_fewer_could_be_exact():
    """A covariance of 2p columns that has full rank takes 2p + 1 rows."""
    patients, _ = draw(NEEDED.pairs - 1)
    pair = patients[:, :2].flatten(1)
    assert torch.linalg.matrix_rank(pair.T.cov(correction=0)) < 2 * VARIABLES


def test_a_refit_returns_the_law():
    patients, law = draw(NEEDED.pairs, seed=3)
    found = trajectory_moments(patients.unsqueeze(0))
    blocks = law.covariance[0].view(VISITS, VARIABLES, VISITS, VARIABLES)
    torch.testing.assert_close(found.first_covariance[0], blocks[0, :, 0])


def test_the_seed_is_the_draw():
    assert torch.equal(draw(30)[0], draw(30)[0])


def test_none_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        draw(0)
