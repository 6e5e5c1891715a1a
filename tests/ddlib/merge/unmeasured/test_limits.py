"""Bounds over all completions: closed forms, another optimiser's answer, and that no completion lies outside."""

import time

import pytest
import torch

from ddlib.merge.unmeasured import barrier, bounds, in_column_units, maximum_entropy, pair_correlations
from ddlib.merge.unmeasured.barrier import certificates
from tests.ddlib.merge.unmeasured.partial_laws import (
    MASKS,
    entries_apart,
    functionals,
    generator,
    greatest,
    law,
    mask,
    random_completion,
    value,
)


@pytest.mark.parametrize("seed", range(5))
def test_a_single_correlation_has_the_known_limits(seed):
    covariance = law(3, seed)
    scale = covariance.diagonal().rsqrt()
    r = covariance * torch.outer(scale, scale)
    weights = torch.zeros(1, 3, 3, dtype=torch.float64)
    weights[0, 0, 1] = 1
    centre = float(r[0, 2] * r[1, 2])
    reach = float(((1 - r[0, 2] ** 2) * (1 - r[1, 2] ** 2)).sqrt())
    found = bounds(r, mask(3, [(0, 1)]), weights)[0]
    assert found.tolist() == pytest.approx([centre - reach, centre + reach], abs=1e-9)
    grid = torch.linspace(-1, 1, 4001, dtype=torch.float64)
    all_of_them = r.repeat(4001, 1, 1)
    all_of_them[:, 0, 1] = all_of_them[:, 1, 0] = grid
    possible = grid[torch.linalg.eigvalsh(all_of_them)[:, 0] >= 0]
    assert found.tolist() == pytest.approx([float(possible.min()), float(possible.max())], abs=1e-3)


@pytest.mark.parametrize("largest", [0, 400])
@pytest.mark.parametrize("name", MASKS)
def test_no_completion_is_outside(name, largest):
    measured = MASKS[name]
    covariance = law(len(measured), 1)
    weights = functionals(measured, 4, 2)
    found = bounds(covariance, measured, weights, largest)
    others = [random_completion(covariance, measured, seed) for seed in range(40)]
    for completion in (maximum_entropy(covariance, measured).covariance, *others):
        reached = value(weights, completion)
        rounding = 1e-8 * covariance.abs().max()
        assert bool((found[:, 0] <= reached + rounding).all()) and bool((reached <= found[:, 1] + rounding).all())


@pytest.mark.parametrize("name", MASKS)
def test_another_optimiser_finds_the_same(name):
    """To within the thousandth that the outer bound is stated with, and another for what the other one misses."""
    measured = MASKS[name]
    covariance = law(len(measured), 3)
    for weights in functionals(measured, 2, 4):
        found = bounds(covariance, measured, weights.unsqueeze(0))[0]
        width = float(found[1] - found[0])
        for sign, bound in ((1, float(found[1])), (-1, -float(found[0]))):
            other = greatest(sign * weights, covariance, measured)
            assert other <= bound + 1e-6 * (1 + abs(bound))
            assert bound - other <= 2e-3 * width + 1e-6 * (1 + abs(bound))


@pytest.mark.parametrize("name", ["ring", "ring of five", "three blocks"])
def test_a_dual_solution_proves_the_bound(name):
    """Its sum with the functional weighs measured entries only, and it is positive semidefinite: that is the whole proof."""
    measured = MASKS[name]
    start = maximum_entropy(law(len(measured), 5), measured).covariance
    weights = functionals(measured, 3, 6)
    weights = weights + weights.mT
    dual = certificates(start, measured, weights)
    assert bool(((weights + dual)[:, ~measured] == 0).all())
    assert bool((torch.linalg.eigvalsh(dual)[:, 0] >= -1e-12 * torch.linalg.eigvalsh(dual)[:, -1]).all())


@pytest.mark.parametrize("name", ["ring", "ring of five", "three blocks"])
@pytest.mark.parametrize("steps", [1, 2])
def test_a_path_that_is_cut_short_still_proves_outer_bounds(name, steps, monkeypatch):
    """Far from the path the Newton step's dual matrix is indefinite, and has to be made good."""
    measured = MASKS[name]
    start, weights = maximum_entropy(law(len(measured), 5), measured).covariance, functionals(measured, 8, 6)
    weights = weights + weights.mT
    complete = value(weights + certificates(start, measured, weights), start)
    monkeypatch.setattr(barrier, "_STEPS", steps)
    monkeypatch.setattr(barrier, "_GROWTH", 100.0)
    dual = certificates(start, measured, weights)
    assert bool((torch.linalg.eigvalsh(dual)[:, 0] >= -1e-12 * torch.linalg.eigvalsh(dual)[:, -1]).all())
    reach = complete - value(weights, start)
    assert bool((value(weights + dual, start) >= complete - 1e-3 * reach).all())


@pytest.mark.parametrize("name", MASKS)
def test_parts_of_the_margins_say_less_than_all(name):
    measured = MASKS[name]
    covariance, weights = law(len(measured), 7), functionals(measured, 3, 8)
    exact, outer = bounds(covariance, measured, weights), bounds(covariance, measured, weights, largest=0)
    assert bool((outer[:, 0] <= exact[:, 0]).all()) and bool((exact[:, 1] <= outer[:, 1]).all())
    if "ring" in name or name == "three blocks":
        assert bool((exact[:, 1] - exact[:, 0] < 0.999 * (outer[:, 1] - outer[:, 0])).all())


def test_unmeasured_entries_of_what_is_given_do_not_count():
    for measured in MASKS.values():
        covariance, weights = law(len(measured), 9), functionals(measured, 2, 10) * ~measured
        other = random_completion(covariance, measured, 11)
        found, again = bounds(covariance, measured, weights), bounds(other, measured, weights)
        torch.testing.assert_close(found, again, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", MASKS)
def test_renamed_variables_have_the_same_bounds(name):
    measured = MASKS[name]
    covariance, weights = law(len(measured), 12), functionals(measured, 2, 13)
    order = torch.randperm(len(measured), generator=generator(14))
    rows, columns = order.unsqueeze(-1), order
    found = bounds(covariance[rows, columns], measured[rows, columns], weights[:, rows, columns])
    torch.testing.assert_close(found, bounds(covariance, measured, weights), rtol=1e-6, atol=1e-6)


def test_what_is_measured_is_known():
    covariance = law(4, 15)
    measured = MASKS["ring"]
    weights = functionals(measured, 2, 16) * measured
    torch.testing.assert_close(bounds(covariance, measured, weights), value(weights, covariance).unsqueeze(-1).expand(2, 2))


def test_the_raised_diagonal_of_a_singular_covariance_is_not_counted():
    mix = torch.tensor([[1.0, 1, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], dtype=torch.float64)
    covariance = mix @ law(3, 17) @ mix.T
    weights = torch.eye(4, dtype=torch.float64).unsqueeze(0)
    found = bounds(covariance, mask(4, [(0, 3)]), weights)[0]
    assert found.tolist() == pytest.approx([float(covariance.trace())] * 2, rel=1e-14)


def test_a_column_that_others_determine_is_known_to_rounding():
    """The first column is the sum of two that were measured with the last, which was never measured with the first."""
    mix = torch.tensor([[1.0, 1, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], dtype=torch.float64)
    covariance = mix @ law(3, 17) @ mix.T
    weights = torch.zeros(1, 4, 4, dtype=torch.float64)
    weights[0, 0, 3] = 1
    found = bounds(covariance, mask(4, [(0, 3)]), weights)[0]
    assert found.tolist() == pytest.approx([float(covariance[0, 3])] * 2, abs=1e-3)
    assert float(found[0]) <= float(covariance[0, 3]) <= float(found[1])


def test_forty_pairs_are_fast():
    every = torch.combinations(torch.arange(20))
    pairs = [(int(i), int(j)) for i, j in every[torch.randperm(len(every), generator=generator(18))[:40]]]
    covariance, measured = in_column_units(law(100, 19), 20, 5), entries_apart(20, 5, pairs)
    weights = pair_correlations(100, 20, 5, pairs)
    begin = time.perf_counter()
    found = bounds(covariance, measured, weights)
    assert time.perf_counter() - begin < 5
    for completion in (covariance, maximum_entropy(covariance, measured).covariance):
        reached = value(weights, completion)
        assert bool((found[:, 0] <= reached).all()) and bool((reached <= found[:, 1]).all())


def test_functionals_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="do not fit"):
        bounds(law(3, 0), mask(3, [(0, 1)]), torch.zeros(3, 3, dtype=torch.float64))
    with pytest.raises(ValueError, match="widened"):
        bounds(law(3, 0).expand(2, 3, 3), mask(3, [(0, 1)]), torch.zeros(1, 3, 3, dtype=torch.float64))
