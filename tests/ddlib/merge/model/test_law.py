import pytest
import torch

from ddlib.dbn.model.generate import random_networks
from ddlib.dbn.model.network import joint
from ddlib.merge.model.law import Parameters, Shape, law, means, moved, size
from tests.ddlib.merge.model.worlds import STEPS, generator, parameters

FULL = Shape(2, 2, STEPS, 3, level=True, visits=True, hospitals=True)


def unrolled(at: Parameters, steps: tuple[int, ...]) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and covariance of the Markov part at the visits, from every single step one after the other."""
    mean, block = [at.first], [[at.first_root @ at.first_root.mT]]
    for _ in range(sum(steps)):
        mean.append(at.intercept + at.step @ mean[-1])
        last = block[-1]
        block.append([*(at.step @ one for one in last), at.step @ last[-1] @ at.step.mT + at.root @ at.root.mT])
    kept = [sum(steps[:t]) for t in range(len(steps) + 1)]
    rows = [torch.cat([block[t][s] if s <= t else block[s][t].mT for s in kept], dim=1) for t in kept]
    return torch.cat([mean[t] for t in kept]), torch.cat(rows)


def test_the_law_is_the_process_unrolled_with_levels_static_columns_and_effects():
    at = parameters(FULL)
    mean, covariance = unrolled(at, STEPS)
    p, q, visits = FULL.variables, FULL.fixed, FULL.number
    spread = torch.zeros(FULL.entries, p + q, dtype=torch.float64)  # from what stays with a patient to the entries
    spread[: visits * p, q:] = torch.eye(p, dtype=torch.float64).repeat(visits, 1)
    spread[visits * p :, :q] = torch.eye(q, dtype=torch.float64)
    expected = spread @ at.level @ at.level.mT @ spread.mT
    expected[: visits * p, : visits * p] += covariance
    torch.testing.assert_close(law(at, FULL), expected)
    for k, found in enumerate(means(at, FULL)):
        moving = mean + at.visits.flatten() + at.hospitals[k, :p].repeat(visits)
        torch.testing.assert_close(found, torch.cat([moving, at.fixed + at.hospitals[k, p:]]))


def test_without_levels_and_effects_it_is_the_network_s_law():
    _, network = random_networks(1, 3, generator())
    total = torch.linalg.inv(torch.eye(3, dtype=torch.float64) - network.intra[0])
    first = torch.linalg.inv(torch.eye(3, dtype=torch.float64) - network.first_weights[0])
    shape = Shape(3, 0, (1, 1, 1), 1)
    zero = torch.zeros(3, 3, dtype=torch.float64)
    at = Parameters(
        first @ network.first_intercept[0],
        torch.linalg.cholesky(first @ torch.diag(network.first_variance[0]) @ first.mT),
        total @ network.intercept[0],
        total @ network.inter[0],
        torch.linalg.cholesky(total @ torch.diag(network.variance[0]) @ total.mT),
        zero,
        zero[0, :0],
        torch.zeros(4, 3, dtype=torch.float64),
        zero[:1],
    )
    known = joint(network, 4)
    torch.testing.assert_close(law(at, shape), known.covariance[0])
    torch.testing.assert_close(means(at, shape)[0], known.mean[0])


@pytest.mark.parametrize("shape", [FULL, Shape(2, 0, (), 2), Shape(3, 0, (1, 1), 1), Shape(1, 1, (2,), 2, hospitals=True)])
def test_coordinates_begin_at_the_anchor_and_reach_every_parameter(shape):
    anchor = parameters(shape)
    at = moved(anchor, torch.zeros(size(shape), dtype=torch.float64), shape)
    for ours, theirs in zip(at, anchor, strict=True):
        torch.testing.assert_close(ours, theirs)
    u = torch.full((size(shape),), 0.1, dtype=torch.float64)

    def everything(u):
        here = moved(anchor, u, shape)
        return torch.cat([means(here, shape).flatten(), law(here, shape).flatten()])

    jacobian = torch.autograd.functional.jacobian(everything, u)
    assert bool((jacobian.abs().amax(0) > 1e-6).all())


def test_complete_patients_have_about_the_identity_as_information():
    from ddlib.merge.model.choice import groups_of
    from ddlib.merge.model.fit import Fit, Variances
    from ddlib.merge.model.information import information
    from tests.ddlib.merge.model.worlds import drawn

    shape = Shape(2, 0, (1, 1, 1), 1)
    at = parameters(shape)._replace(step=torch.zeros(2, 2, dtype=torch.float64))
    at = at._replace(root=at.first_root, intercept=torch.zeros(2, dtype=torch.float64), first=torch.zeros(2, dtype=torch.float64))
    groups = groups_of(drawn(at, shape, 50, missing=0.0))
    known = information(Fit(at, shape, Variances(), 0.0, torch.zeros(1), [], True), groups)
    assert known is not None
    torch.testing.assert_close(known.values, torch.full_like(known.values, 50.0))
