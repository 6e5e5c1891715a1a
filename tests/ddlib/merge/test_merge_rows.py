"""Synthetic patients carry the estimate as far as their number allows."""

import pytest
import torch

from ddlib.dbn.model.network import Gaussian, joint
from ddlib.merge.rows import deviation, patients_needed, synthetic_patients
from tests.ddlib.dbn.world import generator
from tests.ddlib.merge.hospital_tables import network

VARIABLES, VISITS, FIXED = 5, 4, 2
NEEDED = patients_needed(VARIABLES, VISITS, FIXED)


def draw(number, seed=0):
    """Patients of a network whose first visit two static columns are known from, up to noise."""
    chain = joint(network(VARIABLES, seed), VISITS)
    size = VISITS * VARIABLES
    mix = torch.eye(size + FIXED, size, dtype=torch.float64)
    mix[size, 0] = mix[size + 1, 2] = 0.7
    covariance = mix @ chain.covariance[0] @ mix.mT
    covariance[size:, size:] += torch.eye(FIXED, dtype=torch.float64)
    law = Gaussian(mix @ chain.mean[0], covariance)
    return synthetic_patients(law, number, VISITS, FIXED, generator(seed)), law


def off(patients, law):
    return deviation(patients, law, VISITS, FIXED)


@pytest.mark.parametrize("number", [NEEDED.pairs, NEEDED.pairs + 1, NEEDED.pairs + VARIABLES, NEEDED.everything - 1])
def test_successive_visits_and_static_columns_are_exact(number):
    patients, law = draw(number)
    torch.testing.assert_close(patients.mean(0), law.mean, rtol=0, atol=1e-12)
    found = patients.T.cov(correction=0)
    static = list(range(VISITS * VARIABLES, VISITS * VARIABLES + FIXED))
    for t in range(VISITS - 1):
        pair = [*range(t * VARIABLES, (t + 2) * VARIABLES), *static]
        torch.testing.assert_close(found[pair][:, pair], law.covariance[pair][:, pair], rtol=0, atol=1e-12)
    assert off(patients, law)["successive_visits"] < 1e-12 < off(patients, law)["everything"]


@pytest.mark.parametrize("number", [NEEDED.everything, 3 * NEEDED.everything])
def test_everything_is_exact(number):
    patients, law = draw(number)
    torch.testing.assert_close(patients.T.cov(correction=0), law.covariance, rtol=0, atol=1e-12)


def test_fewer_keep_means_and_variances():
    patients, law = draw(NEEDED.pairs - 1)
    assert off(patients, law)["means"] < 1e-12
    torch.testing.assert_close(patients.var(0, correction=0), law.covariance.diagonal())
    alone, law = draw(1)
    torch.testing.assert_close(alone.flatten(), law.mean)


def test_no_fewer_could_be_exact():
    """A covariance of 2p + q columns that has full rank takes 2p + q + 1 rows."""
    patients, _ = draw(NEEDED.pairs - 1)
    pair = torch.cat([patients[:, : 2 * VARIABLES], patients[:, VISITS * VARIABLES :]], dim=1)
    assert torch.linalg.matrix_rank(pair.T.cov(correction=0)) < 2 * VARIABLES + FIXED


def test_the_seed_is_the_draw():
    assert torch.equal(draw(30)[0], draw(30)[0])


def test_none_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        draw(0)
