"""Intervals for what was never measured, where truth and margins are known: two hospitals that each lack one column."""

import math

import pytest
import torch

from ddlib.merge.unmeasured import bounds, in_column_units, maximum_entropy, pair_correlations, widened
from tests.ddlib.merge.unmeasured.partial_laws import MASKS, functionals, generator, law, mask

PATIENTS, DRAWS, MERGES = 120, 100, 400
COMMON = [2, 3]
APART = mask(4, [(0, 1)])
CORRELATION = pair_correlations(4, 4, 1, [(0, 1)])


def truth(part, towards=0):
    """A law of four columns, the first two of them a part of the way from the middle of what the others allow to its edge."""
    start = maximum_entropy(law(4, towards + 20), APART).covariance
    start = in_column_units(start, 4, 1)
    low, high = bounds(start, APART, CORRELATION)[0].tolist()
    start[0, 1] = start[1, 0] = (low + high) / 2 + part * (high - low) / 2
    return start


def weighted_moments(values, weights):
    """Covariances of the same rows under several weights (B, n)."""
    share = weights / weights.sum(-1, keepdim=True)
    mean = share @ values
    return torch.einsum("bn,ni,nj->bij", share, values, values) - mean.unsqueeze(-1) * mean.unsqueeze(-2)


def estimates(covariance, random, draws, patients=PATIENTS):
    """Maximum likelihood from two hospitals that each lack one of the first two columns, of the records and of resampled ones."""
    root = torch.linalg.cholesky(covariance)
    rows = torch.randn(2, patients, 4, generator=random, dtype=torch.float64) @ root.T
    weights = torch.rand(2, draws, patients, generator=random, dtype=torch.float64).clamp_min(1e-300).log().neg()
    weights = torch.cat([torch.ones(2, 1, patients, dtype=torch.float64), weights], 1)  # Rubin's Bayesian bootstrap
    found = torch.eye(4, dtype=torch.float64).repeat(draws + 1, 1, 1)
    common = weighted_moments(rows[:, :, COMMON].flatten(0, 1), weights.transpose(0, 1).flatten(1))
    slopes = []
    found[:, 2:, 2:] = common
    for column, hospital in ((0, 0), (1, 1)):
        moments = weighted_moments(rows[hospital], weights[hospital])
        inner, cross = moments[:, 2:, 2:], moments[:, 2:, column]
        slope = torch.linalg.solve(inner, cross)
        slopes.append(slope)
        found[:, 2:, column] = found[:, column, 2:] = (common @ slope.unsqueeze(-1)).squeeze(-1)
        left = moments[:, column, column] - (slope * cross).sum(-1)
        found[:, column, column] = left + (slope * found[:, 2:, column]).sum(-1)
    found[:, 0, 1] = found[:, 1, 0] = (slopes[0] * found[:, 2:, 1]).sum(-1)
    return in_column_units(found, 4, 1)


@pytest.mark.parametrize("part", [-0.999, 0.0, 0.999])
def test_it_holds_the_truth_and_is_no_wider_than_the_margins_and_their_error(part):
    """At the edge of what the margins allow the stated 95 % are missed in about 5 %, inside in none."""
    covariance = truth(part)
    random = generator(30)
    intervals, limits = [], []
    for _ in range(MERGES):
        estimate, *draws = estimates(covariance, random, DRAWS)
        intervals.append(widened(estimate, torch.stack(draws), APART, CORRELATION)[0])
        limits.append(bounds(estimate, APART, CORRELATION)[0])
    low, high = torch.stack(intervals).unbind(-1)
    held = float(((low <= covariance[0, 1]) & (covariance[0, 1] <= high)).double().mean())
    assert held == 1.0 if part == 0.0 else abs(held - 0.95) <= 2.5 * (0.95 * 0.05 / MERGES) ** 0.5
    errors = torch.stack(limits).std(0)
    allowed = bounds(covariance, APART, CORRELATION)[0]
    assert float((high - low).mean()) <= float(allowed[1] - allowed[0] + 1.645 * errors.sum()) * 1.05


def test_each_end_is_centred_on_what_the_margins_allow():
    """With few patients the estimate's own bounds are too narrow; a level of next to nothing shows where the ends begin."""
    covariance, random = truth(0.0), generator(31)
    plain, centred = [], []
    for _ in range(MERGES):
        estimate, *draws = estimates(covariance, random, DRAWS, patients=40)
        centred.append(widened(estimate, torch.stack(draws), APART, CORRELATION, level=1e-6)[0])
        plain.append(bounds(estimate, APART, CORRELATION)[0])
    allowed = bounds(covariance, APART, CORRELATION)[0]
    before, after = ((torch.stack(found).mean(0) - allowed).abs() for found in (plain, centred))
    assert bool((after < 0.5 * before).all())


def test_where_bounds_meet_both_tails_count():
    """With the two almost determined by others, the interval is that of a number: 1.96 standard deviations to both sides."""
    covariance = torch.eye(4, dtype=torch.float64)
    covariance[:3, :3] = 1 - 1e-8
    covariance.diagonal().fill_(1.0)
    scale = 1 + 0.05 * torch.randn(100, 1, 1, generator=generator(6), dtype=torch.float64)
    low, high = widened(covariance, covariance * scale, APART, CORRELATION)[0]
    torch.testing.assert_close(high - low, 2 * 1.96 * scale.std(), rtol=1e-3, atol=0.0)


@pytest.mark.parametrize("name", MASKS)
def test_draws_that_are_all_the_same_widen_nothing(name):
    measured = MASKS[name]
    covariance, weights = law(len(measured), 0), functionals(measured, 2, 1)
    found = widened(covariance, covariance.expand(40, -1, -1), measured, weights)
    torch.testing.assert_close(found, bounds(covariance, measured, weights), rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("name", ["one block", "ring", "three blocks"])
def test_it_is_what_each_draws_own_bounds_say(name):
    """With several blocks the programme is solved at the estimate only: never inside what each draw says, and hardly wider."""
    measured = MASKS[name]
    covariance, weights = law(len(measured), 2), functionals(measured, 2, 3)
    noise = torch.randn(60, 200, len(measured), generator=generator(4), dtype=torch.float64) @ torch.linalg.cholesky(covariance).T
    draws = noise.mT @ noise / 200
    found = widened(covariance, draws, measured, weights)
    each = torch.stack([bounds(draw, measured, weights) for draw in draws])
    outward = bounds(draws.mean(0), measured, weights, 0) - torch.stack(
        [bounds(draw, measured, weights, 0) for draw in draws]
    ).mean(0)
    assert bool((outward[:, 0] <= 0).all()) and bool((outward[:, 1] >= 0).all())
    wanted = bounds(covariance, measured, weights) + outward + 1.645 * each.std(0) * torch.tensor([-1.0, 1.0])
    width = wanted[:, 1] - wanted[:, 0]
    assert bool(((found - wanted).abs() <= 0.03 * width.unsqueeze(-1)).all())


def test_a_higher_level_is_wider():
    estimate, *draws = estimates(truth(0.0), generator(5), 200)
    one, two, three = (widened(estimate, torch.stack(draws), APART, CORRELATION, level)[0] for level in (0.5, 0.95, 0.99))
    assert three[0] < two[0] < one[0] < one[1] < two[1] < three[1]


def test_too_few_draws_and_what_is_no_draw_are_refused():
    with pytest.raises(ValueError, match="at least 40"):
        widened(law(4, 0), law(4, 0).expand(10, 4, 4), APART, CORRELATION)
    draws = law(4, 0).repeat(50, 1, 1)
    draws[3, 0, 0] = math.nan
    with pytest.raises(ValueError, match="not finite"):
        widened(law(4, 0), draws, APART, CORRELATION)
