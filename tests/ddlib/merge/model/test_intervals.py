import numpy as np
import pytest
import torch
from scipy.special import ndtr, ndtri
from scipy.stats import multivariate_normal, qmc, truncnorm

from ddlib.merge.model.choice import groups_of
from ddlib.merge.model.effects import evidence
from ddlib.merge.model.fit import fit, independent_start
from ddlib.merge.model.information import information
from ddlib.merge.model.intervals import propagated
from ddlib.merge.model.law import Shape, law, means
from ddlib.merge.model.likelihood import fill, log_likelihood, precision
from ddlib.merge.model.persistence import persistence
from tests.ddlib.merge.model.worlds import cut, drawn, generator, parameters

INFINITE = float("inf")


def solved(covariance, lower, upper, mean=None):
    """What expectation propagation finds, and its log-evidence."""
    inner = torch.linalg.inv(covariance)
    mean = torch.zeros(len(inner), dtype=torch.float64) if mean is None else mean
    found = propagated(inner[None], (inner @ mean)[None], lower[None], upper[None])
    off = found.mean[0] - mean
    filled = 0.5 * (
        torch.logdet(inner) - found.determinant[0] + len(mean) - (inner * found.covariance[0]).sum() - off @ inner @ off
    )
    return found, float(found.gain[0] + filled)


def boxes(seed, size):
    """A law and intervals of every kind: half-lines, categories, one without limits."""
    draw = generator(seed)
    root = torch.randn(size, size, dtype=torch.float64, generator=draw)
    covariance = root @ root.mT + 0.5 * torch.eye(size, dtype=torch.float64)
    scale = covariance.diagonal().sqrt()
    lower = scale * torch.randn(size, dtype=torch.float64, generator=draw)
    upper = lower + scale * (0.3 + torch.rand(size, dtype=torch.float64, generator=draw))
    kind = torch.randint(3, (size,), generator=draw)
    return covariance, torch.where(kind == 1, -INFINITE, lower), torch.where(kind == 2, INFINITE, upper)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("size", [2, 3, 4])
def test_evidence_and_moments_agree_with_brute_force(seed, size):
    covariance, lower, upper = boxes(seed, size)
    found, evidence = solved(covariance, lower, upper)
    inside, mean, second = sampled(covariance, lower, upper)
    assert evidence == pytest.approx(np.log(inside), abs=1.5e-2)
    scale = found.covariance[0].diagonal().sqrt()
    assert float(((found.mean[0] - mean) / scale).abs().max()) < 0.01
    assert float((found.covariance[0].diagonal() / second.diagonal()).log().abs().max()) < 0.05


def sampled(covariance, lower, upper, number=2**17):
    """The probability of a box and the moments in it, by draws one entry after the other (Geweke, Hajivassiliou, Keane)."""
    root, low, high = (part.numpy() for part in (torch.linalg.cholesky(covariance), lower, upper))
    uniform = qmc.Sobol(len(low), rng=np.random.default_rng(0)).random(number)
    standard, weight = np.zeros((number, len(low))), np.ones(number)
    for j in range(len(low)):
        centre = standard[:, :j] @ root[j, :j]
        begin, end = (ndtr((part[j] - centre) / root[j, j]) for part in (low, high))
        weight *= end - begin
        standard[:, j] = ndtri(begin + uniform[:, j] * (end - begin))
    values = standard @ root.T
    mean = np.average(values, axis=0, weights=weight)
    return weight.mean(), torch.from_numpy(mean), torch.from_numpy(np.cov(values.T, aweights=weight))


def test_it_is_exact_for_one_interval_and_for_independent_ones():
    covariance, lower, upper = boxes(3, 3)
    free = torch.full((2,), INFINITE, dtype=torch.float64)
    low, high = torch.cat([lower[:1], -free]), torch.cat([upper[:1], free])
    found, evidence = solved(covariance, low, high)
    spread = float(covariance[0, 0]) ** 0.5
    ends = float(lower[0]) / spread, float(upper[0]) / spread
    theirs = truncnorm.stats(*ends)
    assert evidence == pytest.approx(np.log(ndtr(ends[1]) - ndtr(ends[0])), abs=1e-9)
    gain = covariance[:, 0] / covariance[0, 0]
    torch.testing.assert_close(found.mean[0], gain * spread * float(theirs[0]), atol=1e-6, rtol=1e-6)
    left = covariance - torch.outer(gain, gain) * (covariance[0, 0] - spread**2 * float(theirs[1]))
    torch.testing.assert_close(found.covariance[0], left, atol=1e-6, rtol=1e-6)
    apart = torch.diag(covariance.diagonal())
    _, evidence = solved(apart, lower, upper)
    one = [solved(apart[j : j + 1, j : j + 1], lower[j : j + 1], upper[j : j + 1])[1] for j in range(3)]
    assert evidence == pytest.approx(sum(one), abs=1e-9)


@pytest.mark.parametrize("correlation", [0.9, 0.999, 0.999999])
@pytest.mark.parametrize("far", [0.0, 6.0, 40.0])
def test_hard_cases_end_with_numbers(correlation, far):
    """Entries that are almost the same, in intervals that contradict each other, far from where the law is."""
    size = 8
    covariance = correlation * torch.ones(size, size, dtype=torch.float64) + (1 - correlation) * torch.eye(
        size, dtype=torch.float64
    )
    above = torch.arange(size) % 2 == 0
    lower = torch.where(above, 0.1 + far, -INFINITE).to(torch.float64)
    upper = torch.where(above, INFINITE, far - 0.1).to(torch.float64)
    found, evidence = solved(covariance, lower, upper)
    assert np.isfinite(evidence)
    assert all(bool(part.isfinite().all()) for part in (found.mean, found.covariance, found.gain))
    assert bool((found.sites.precision >= 0).all())


def by_hand(centre, covariance, rows):
    """The log-likelihood of patients with at most one interval: the density of the numbers, times a normal probability."""
    total = 0.0
    for k, values in enumerate(rows.values):
        lower, upper = rows.limits[k]
        for i, row in enumerate(values.numpy()):
            inner = covariance + np.diag(rows.noise[k].numpy())
            point = np.flatnonzero(~np.isnan(row))
            total += multivariate_normal(centre[k][point], inner[np.ix_(point, point)]).logpdf(row[point]) if len(point) else 0.0
            for j in np.flatnonzero(np.isnan(row) & (np.isfinite(lower[i].numpy()) | np.isfinite(upper[i].numpy()))):
                pull = np.linalg.solve(inner[np.ix_(point, point)], inner[point, j]) if len(point) else np.zeros(0)
                mean = centre[k][j] + pull @ (row[point] - centre[k][point])
                spread = (inner[j, j] - pull @ inner[point, j]) ** 0.5
                low, high = ((float(part[i, j]) - mean) / spread for part in (lower, upper))
                total += np.log(ndtr(high) - ndtr(low) if low < 0 else ndtr(-low) - ndtr(-high))
    return total


@pytest.mark.parametrize("noise", [0.0, 0.4])
def test_the_likelihood_of_patients_with_one_interval_is_exact_for_any_pattern(noise):
    shape = Shape(2, 1, (1, 2), 2, level=True, hospitals=True)
    at = parameters(shape)
    for column in (0, 6):
        rows = cut(drawn(at, shape, 20, 0.3, noise), [column], (-0.5, 0.7))
        groups = groups_of(rows)
        assert sum(chunk.bounded.sum() for group in groups for chunk in group.gaps) > 20
        centre, covariance = means(at, shape), law(at, shape)
        found = float(log_likelihood(centre, covariance, groups).sum())
        assert found == pytest.approx(by_hand(centre.numpy(), covariance.numpy(), rows), rel=1e-10)


def test_the_gradient_is_the_derivative():
    shape = Shape(2, 1, (1, 1), 2)
    at = parameters(shape)
    groups = groups_of(cut(drawn(at, shape, 12, 0.2, 0.3), [0, 2, 4, 6], (-0.5, 0.7)))
    centre, covariance = (part.clone().requires_grad_() for part in (means(at, shape), law(at, shape)))
    draw = generator()
    direction = [torch.randn(part.shape, dtype=torch.float64, generator=draw) for part in (centre, covariance)]
    direction[1] = direction[1] + direction[1].mT
    value = log_likelihood(centre, covariance, groups).sum()
    gradients = torch.autograd.grad(value, (centre, covariance))
    along = sum(float((gradient * part).sum()) for gradient, part in zip(gradients, direction, strict=True))
    step = 1e-4
    with torch.no_grad():
        ahead, behind = (
            float(log_likelihood(centre + sign * step * direction[0], covariance + sign * step * direction[1], groups).sum())
            for sign in (1, -1)
        )
    assert along == pytest.approx((ahead - behind) / (2 * step), rel=1e-5)


def test_narrow_intervals_are_numbers_and_wide_ones_are_missing():
    """Up to the widths, the likelihood of a patient with narrow intervals is that of the numbers; without limits, of the others."""
    shape = Shape(2, 1, (1, 2), 2)
    at = parameters(shape)
    rows = drawn(at, shape, 20, 0.2)
    centre, covariance = means(at, shape), law(at, shape)

    def likelihood(values, width):
        limits = [(part - width / 2, part + width / 2) for part in rows.values]
        limits = [
            tuple(torch.where(part.isnan(), sign * INFINITE, part) for sign, part in zip((-1, 1), pair, strict=True))
            for pair in limits
        ]
        return float(log_likelihood(centre, covariance, groups_of(rows._replace(values=values, limits=limits))).sum())

    def without(column):
        return [torch.where(torch.arange(values.shape[1]) == column, torch.nan, values) for values in rows.values]

    exact = float(log_likelihood(centre, covariance, groups_of(rows)).sum())
    cells = sum(int((~values[:, 1].isnan()).sum()) for values in rows.values)
    assert likelihood(without(1), 1e-5) == pytest.approx(exact, rel=1e-8)
    assert likelihood(without(1), 1e-2) - cells * np.log(1e-2) == pytest.approx(exact, rel=1e-4)
    missing = float(log_likelihood(centre, covariance, groups_of(rows._replace(values=without(1)))).sum())
    assert likelihood(without(1), 200.0) == pytest.approx(missing, abs=1e-6)


def test_intervals_are_measurements_with_the_variance_of_their_sites():
    """The fit's helpers see patients with intervals as ones with numbers of known error: the same information on the means."""
    shape = Shape(2, 0, (1, 1), 1)
    at = parameters(shape)
    groups = groups_of(cut(drawn(at, shape, 200, 0.1), [0, 2, 4], (-0.5, 0.7)))
    centre, covariance = means(at, shape), law(at, shape)
    for group in groups:
        inverse, _ = precision(covariance, group)
        filled = fill(centre[0][group.entries], inverse, group)
        known = group.patients * inverse - inverse @ filled.spread @ inverse
        assert float(torch.linalg.eigvalsh(known)[0]) > 0
    begun = independent_start(groups, shape)
    found = fit(groups, shape, 0.01, tolerance=1e-3)
    assert float((begun.first - found.at.first).abs().max()) < 1.0
    assert evidence(found, groups).information.isfinite().all()
    assert persistence(found, groups).z.abs().max() < 4
    assert information(found, groups).undetermined == 0


def test_the_information_is_the_curvature_for_two_binary_columns():
    """At independence the information on a correlation is that of the fourfold table."""
    shape = Shape(2, 0, (), 1)
    at = parameters(shape)
    identity = torch.eye(2, dtype=torch.float64)
    at = at._replace(first=torch.zeros(2, dtype=torch.float64), first_root=identity)
    rows = cut(drawn(at, shape, 1000, 0.0), [0, 1], (0.0,))
    found = fit(groups_of(rows), shape, 1e-6, tolerance=1e-6, unit=(0, 1))
    known = information(found, groups_of(rows))
    draws = torch.stack([covariance for _, covariance in known.draws(4000, generator())])
    correlation = draws[:, 0, 1] / (draws[:, 0, 0] * draws[:, 1, 1]).sqrt()
    assert float(correlation.std()) == pytest.approx(np.pi / 2 / 1000**0.5, rel=0.05)
    assert known.undetermined == 0
    assert float(law(found.at, shape).diagonal().sub(1).abs().max()) < 1e-2
