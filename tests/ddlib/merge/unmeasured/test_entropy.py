"""The completion of maximum entropy: what defines it, another optimiser's answer, and the cases that are known."""

import time

import numpy as np
import pytest
import torch

from ddlib.merge.unmeasured import maximum_entropy
from tests.ddlib.merge.unmeasured.partial_laws import (
    MASKS,
    block,
    by_another_optimiser,
    entries_apart,
    generator,
    law,
    mask,
    random_completion,
)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", MASKS)
def test_it_agrees_where_measured_is_positive_definite_and_has_no_precision_elsewhere(name, seed):
    measured = MASKS[name]
    covariance = law(len(measured), seed)
    found = maximum_entropy(covariance, measured)
    assert torch.equal(found.covariance[measured], covariance[measured])
    assert float(torch.linalg.eigvalsh(found.covariance)[0]) > 0
    precision = torch.linalg.inv(found.covariance)
    scale = precision.diagonal().rsqrt()
    partial = (precision * torch.outer(scale, scale))[~measured].abs()
    assert found.residual <= 1e-8 and bool((partial <= 1e-8).all())


@pytest.mark.parametrize("name", MASKS)
def test_no_other_completion_has_a_greater_determinant(name):
    measured = MASKS[name]
    covariance = law(len(measured), 1)
    most = float(torch.logdet(maximum_entropy(covariance, measured).covariance))
    assert all(float(torch.logdet(random_completion(covariance, measured, seed))) <= most + 1e-12 for seed in range(20))


@pytest.mark.parametrize("name", ["one block", "chain", "ring", "ring and a common one", "ring of five"])
def test_another_optimiser_finds_the_same(name):
    measured = MASKS[name]
    covariance = law(len(measured), 2)
    _, other = by_another_optimiser(lambda filled: -np.linalg.slogdet(filled)[1], covariance, measured)
    torch.testing.assert_close(maximum_entropy(covariance, measured).covariance, torch.from_numpy(other), rtol=1e-4, atol=1e-4)


def test_where_it_starts_does_not_matter():
    for measured in MASKS.values():
        covariance = law(len(measured), 3)
        other = random_completion(covariance, measured, 4)
        torch.testing.assert_close(
            maximum_entropy(other, measured).covariance, maximum_entropy(covariance, measured).covariance, rtol=1e-7, atol=1e-7
        )


def test_a_chain_multiplies_its_correlations():
    steps = torch.tensor([0.9, -0.5, 0.7], dtype=torch.float64)
    start = torch.eye(4, dtype=torch.float64)
    for place, correlation in enumerate(steps):
        start[place, place + 1] = start[place + 1, place] = correlation * 0.7
    found = maximum_entropy(start, mask(4, [(0, 2), (0, 3), (1, 3)])).covariance
    assert float(found[0, 3]) == pytest.approx(float((steps * 0.7).prod()), abs=1e-14)


@pytest.mark.parametrize("name", MASKS)
def test_renamed_variables_give_the_renamed_completion(name):
    measured = MASKS[name]
    covariance = law(len(measured), 5)
    order = torch.randperm(len(measured), generator=generator(6))
    inside = order.unsqueeze(-1), order
    torch.testing.assert_close(
        maximum_entropy(covariance[inside], measured[inside]).covariance, maximum_entropy(covariance, measured).covariance[inside]
    )


@pytest.mark.parametrize("name", ["one block", "ring and a common one"])
def test_columns_that_are_sums_of_others_are_no_trouble(name):
    """To machine precision one measured column is the sum of two others; the variances change in the tenth digit, and no more."""
    measured = torch.zeros(len(MASKS[name]) + 1, len(MASKS[name]) + 1, dtype=torch.bool)
    size = len(MASKS[name])
    measured[:size, :size] = MASKS[name]
    measured[size, :] = measured[:, size] = True
    whole = torch.eye(size, dtype=torch.float64)
    common = measured[:size, :size].all(1).nonzero()[:, 0]
    mix = torch.cat([whole, whole[common[:2]].sum(0, keepdim=True)])
    covariance = mix @ law(size, 7) @ mix.T
    found = maximum_entropy(covariance, measured)
    assert bool(found.covariance.isfinite().all()) and float(torch.linalg.eigvalsh(found.covariance)[0]) > 0
    torch.testing.assert_close(found.covariance[measured], covariance[measured], rtol=2e-10, atol=0)
    inner = maximum_entropy(law(size, 7), MASKS[name]).covariance
    torch.testing.assert_close(found.covariance[:size, :size], inner, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("ridge", "residual"), [(1e-4, 1e-8), (1e-6, 1e-8), (1e-9, 1e-5), (0.0, 1e-5)])
def test_few_factors_behind_many_columns_are_solved_as_far_as_rounding_allows(ridge, residual):
    """Eight of ten columns' pairs are missing at five visits; sixteen factors explain all fifty variables, but for the ridge."""
    factors = torch.randn(50, 16, generator=generator(12), dtype=torch.float64)
    every = torch.combinations(torch.arange(10))
    measured = entries_apart(10, 5, every[torch.randperm(len(every), generator=generator(13))[:8]].tolist())
    found = maximum_entropy(factors @ factors.T / 16 + ridge * torch.eye(50, dtype=torch.float64), measured)
    assert found.residual <= residual and float(torch.linalg.eigvalsh(found.covariance)[0]) > 0


@pytest.mark.parametrize(("columns", "visits", "pairs", "seconds"), [(20, 5, 40, 3.0), (60, 5, 1, 1.0)])
def test_it_is_fast(columns, visits, pairs, seconds):
    every = torch.combinations(torch.arange(columns))
    chosen = every[torch.randperm(len(every), generator=generator(8))[:pairs]].tolist()
    measured = entries_apart(columns, visits, chosen)
    begin = time.perf_counter()
    found = maximum_entropy(law(columns * visits, 9), measured)
    assert time.perf_counter() - begin < seconds
    assert found.residual <= 1e-8 and int((~measured).sum()) == 2 * pairs * visits**2


@pytest.mark.parametrize(
    ("covariance", "measured", "message"),
    [
        (torch.eye(3, dtype=torch.float64), torch.ones(2, 2, dtype=torch.bool), "do not fit"),
        (torch.eye(2), torch.ones(2, 2, dtype=torch.bool), "float64"),
        (torch.eye(2, dtype=torch.float64), torch.tensor([[True, True], [False, True]]), "symmetric"),
        (torch.eye(2, dtype=torch.float64), torch.tensor([[False, True], [True, True]]), "true on its diagonal"),
        (torch.full((2, 2), torch.nan, dtype=torch.float64), torch.ones(2, 2, dtype=torch.bool), "not finite"),
        (torch.zeros(2, 2, dtype=torch.float64), torch.ones(2, 2, dtype=torch.bool), "variance of zero"),
        (torch.tensor([[1.0, 0.5], [0.0, 1.0]], dtype=torch.float64), torch.ones(2, 2, dtype=torch.bool), "not symmetric"),
        (torch.tensor([[1.0, 1.1], [1.1, 1.0]], dtype=torch.float64), torch.eye(2, dtype=torch.bool), "negative eigenvalue"),
        (torch.eye(2, dtype=torch.float64).expand(3, 2, 2), torch.eye(2, dtype=torch.bool), "one covariance"),
    ],
)
def test_what_is_no_covariance_or_no_mask_is_refused(covariance, measured, message):
    with pytest.raises(ValueError, match=message):
        maximum_entropy(covariance, measured)


def test_rounding_between_the_halves_of_a_covariance_is_no_asymmetry():
    """However small the entry is beside the variances, as in a product of matrices."""
    covariance = law(4, 11)
    covariance[0, 1], covariance[1, 0] = 1e-17, -1e-17
    assert float(maximum_entropy(covariance, MASKS["ring"]).covariance[0, 1]) == 1e-17


def test_a_block_of_the_precision_is_what_the_regressions_say():
    """With one block unmeasured it is the covariance of the two sides' regressions on all the rest."""
    covariance, first, second, rest = law(7, 10), [0, 1], [5, 6], [2, 3, 4]
    found = maximum_entropy(covariance, block(7, first, second)).covariance
    expected = covariance[first][:, rest] @ torch.linalg.inv(covariance[rest][:, rest]) @ covariance[rest][:, second]
    torch.testing.assert_close(found[first][:, second], expected, rtol=1e-12, atol=1e-12)
