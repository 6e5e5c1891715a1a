"""What the records determine: against autograd, against the general form, and where the answer is known."""

import math

import pytest
import torch

from ddlib.dbn.likelihood.information import limits
from ddlib.dbn.model.moments import mle
from ddlib.dbn.model.network import joint
from ddlib.dbn.sources import Statistics
from ddlib.merge import information as module
from ddlib.merge.fit import saturated
from ddlib.merge.information import coordinates, derivatives, information, law_at
from tests.ddlib.merge.hospital_tables import groups_of, network, records


def hidden(values, *columns):
    values = values.clone()
    values[..., list(columns)] = torch.nan
    return values


def test_the_derivatives_are_autograds():
    model = network(3)
    at, zero = coordinates(model, 4), torch.zeros(27, dtype=torch.float64)
    here = law_at(at, zero, 4)
    torch.testing.assert_close(here.mean, joint(model, 4).mean[0])
    torch.testing.assert_close(here.covariance, joint(model, 4).covariance[0])
    change = torch.func.jacrev(lambda u: law_at(at, u, 4))(zero)
    found = derivatives(at, 4)
    torch.testing.assert_close(found.mean, change.mean.T)
    torch.testing.assert_close(found.covariance, change.covariance.permute(2, 0, 1))


def test_complete_clean_records_keep_everything():
    found = information(network(), groups_of(records(network(), 30, 3)), 3)
    torch.testing.assert_close(found.kept, torch.ones_like(found.kept))
    assert math.isclose(found.effective, 30, rel_tol=1e-9)


def test_it_is_the_general_form_for_the_saturated_graph():
    model = network()
    sources = [hidden(records(model, size, 3), k) for k, size in enumerate((20, 30, 50))]
    groups = groups_of(*sources, noise=0.3)
    found = information(model, groups, 3)
    size = torch.tensor([[20.0, 30.0, 50.0]], dtype=torch.float64)
    observed = torch.stack([group.observed for group in groups]).unsqueeze(0)
    noise = torch.full_like(observed, 0.09)
    nothing = torch.zeros_like(observed)
    general = limits(saturated(4), model, Statistics(size, nothing, nothing, observed, noise), 3)
    assert math.isclose(found.effective, general.effective.item(), rel_tol=1e-7)
    assert math.isclose(found.kept[0].item(), general.kept.item(), rel_tol=1e-6)
    assert found.parameters == general.dimension.item()


@pytest.mark.parametrize(("visits", "identified"), [(2, False), (4, True)])
def test_a_pair_never_seen_together_is_lost_at_two_visits(visits, identified):
    model = mle(saturated(3), records(network(3), 20, 4).unsqueeze(0))  # without absent edges, which are a special case
    values = records(model, 50, visits)
    found = information(model, groups_of(hidden(values[:25], 0), hidden(values[25:], 1)), visits)
    assert found.identified is identified
    assert (found.effective > 0) is identified
    pair = found.changes[:, 0, 1]  # the derivative of their covariance at the first visit
    assert math.isfinite(found.standard_error(pair)) is identified
    assert math.isfinite(found.standard_error(found.changes[:, 0, 2]))  # this pair was seen


def test_the_standard_error_is_the_textbooks():
    """The variance of a variance: 2 σ⁴ / N, for the first visit of complete records."""
    model = network(3)
    found = information(model, groups_of(records(model, 80, 3)), 3)
    variance = joint(model, 3).covariance[0, 1, 1]
    assert math.isclose(found.standard_error(found.changes[:, 1, 1]), float(variance) * math.sqrt(2 / 80), rel_tol=1e-9)


def test_sampled_patterns_stand_for_all_patients():
    (group,) = groups_of(records(network(), 60, 3, missing=0.2))
    for room in (1, 7, 60, 100):
        assert math.isclose(sum(share for _, share in module.sampled_patterns(group, room)), 60)
    (whole,) = groups_of(records(network(), 60, 3))
    assert len(module.sampled_patterns(whole, 10)) == 1


def test_too_many_parameters_are_not_examined(monkeypatch):
    monkeypatch.setattr(module, "MOST_PARAMETERS", 10)
    assert information(network(), groups_of(records(network(), 5, 3)), 3) is None
