"""Hospitals: sources of one population, each of which hides other variables and measures with noise."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ddlib.dbn.model.generate import sample
from ddlib.dbn.model.network import Dbn

__all__ = ["Sources", "Statistics", "draw_sources", "fold", "pairs_observed", "random_pattern", "statistics"]


class Sources(NamedTuple):
    """What K sources hold: trajectories with hidden entries and measurement noise of known size.

    Attributes:
        values: the measured trajectories; not-a-number where hidden.
        observed: which entries each source measures.
        noise: standard deviation of the noise on each entry.

    >>> seen = torch.ones(1, 2, 3, 1, dtype=torch.bool)  # one replicate, two sources, three slices, one variable
    >>> Sources(torch.zeros(1, 2, 10, 3, 1), seen, 0.3 * seen).slices
    3
    """

    values: Float[Tensor, "R K n T p"]
    observed: Bool[Tensor, "R K T p"]
    noise: Float[Tensor, "R K T p"]

    @property
    def slices(self) -> int:
        """The number of slices T."""
        return self.values.shape[-2]


class Statistics(NamedTuple):
    """All that the observed-data likelihood needs of the sources; D = T·p entries, slices one after the other.

    Attributes:
        size: trajectories per source.
        mean, covariance: of the measured entries (divisor n); zero at hidden ones.
        observed: one at measured entries, zero at hidden ones.
        noise: variance of the measurement noise.

    >>> seen = torch.ones(1, 2, 3, 1, dtype=torch.bool)
    >>> statistics(Sources(torch.ones(1, 2, 10, 3, 1), seen, 0.3 * seen)).size
    tensor([[10., 10.]])
    """

    size: Float[Tensor, "R K"]
    mean: Float[Tensor, "R K D"]
    covariance: Float[Tensor, "R K D D"]
    observed: Float[Tensor, "R K D"]
    noise: Float[Tensor, "R K D"]


def statistics(sources: Sources) -> Statistics:
    """Sufficient statistics of the sources.

    >>> seen = torch.ones(1, 2, 3, 1, dtype=torch.bool)
    >>> statistics(Sources(torch.ones(1, 2, 10, 3, 1), seen, 0.3 * seen)).mean
    tensor([[[1., 1., 1.],
             [1., 1., 1.]]])
    """
    filled = torch.where(sources.observed.unsqueeze(-3), sources.values, 0.0).flatten(-2)
    mean = filled.mean(-2)
    centred = filled - mean.unsqueeze(-2)
    covariance = centred.mT @ centred / filled.shape[-2]
    size = torch.full_like(mean[..., 0], filled.shape[-2])
    observed = sources.observed.flatten(-2).to(mean.dtype)
    return Statistics(size, mean, covariance, observed, sources.noise.flatten(-2) ** 2)


def fold(sources: Sources, number: int, folds: int) -> tuple[Sources, Sources]:
    """All patients but those of one fold, and those of it; the patients of a source take turns.

    Raises:
        ValueError: if there are fewer than two folds, or a fold or its rest has fewer than two patients of a source.

    >>> seen = torch.ones(1, 2, 3, 1, dtype=torch.bool)
    >>> rest, held = fold(Sources(torch.ones(1, 2, 10, 3, 1), seen, 0.3 * seen), 0, 5)
    >>> rest.values.shape, held.values.shape
    (torch.Size([1, 2, 8, 3, 1]), torch.Size([1, 2, 2, 3, 1]))
    """
    patients = sources.values.shape[2]
    if folds < 2 or patients // folds < 2 or patients - -(-patients // folds) < 2:
        raise ValueError(
            f"{folds} folds of {patients} patients a source leave too few: take 2 folds or more of at least 2 patients"
        )
    held = torch.arange(patients, device=sources.values.device) % folds == number
    return sources._replace(values=sources.values[:, :, ~held]), sources._replace(values=sources.values[:, :, held])


def pairs_observed(observed: Bool[Tensor, "R K T p"]) -> Bool[Tensor, "R p p"]:
    """Which pairs of variables some source measures both of, in one slice at least.

    >>> pairs_observed(torch.tensor([[[[True, True, False]], [[False, True, True]]]]))[0].int()
    tensor([[1, 1, 0],
            [1, 1, 1],
            [0, 1, 1]], dtype=torch.int32)
    """
    seen = observed.to(torch.float64)
    return torch.einsum("rkti,rktj->rij", seen, seen) > 0


def random_pattern(
    replicates: int,
    sources: int,
    slices: int,
    variables: int,
    generator: torch.Generator,
    hidden: float = 0.2,
    every_pair: bool = False,
    per_slice: bool = False,
    attempts: int = 1000,
) -> Bool[Tensor, "R K T p"]:
    """Which entries each source measures: each hides the same number of variables, drawn at random.

    Args:
        replicates: how many patterns R.
        sources: the number of sources K.
        slices: the number of slices T.
        variables: the number of variables p.
        generator: the source of randomness.
        hidden: share of the variables that a source hides, rounded to a whole number of variables.
        every_pair: draw again until, moreover, every pair of variables is measured together by some source in some slice. In any
            case every variable is measured by some source in every slice.
        per_slice: hide other variables in each slice, as the published release does; otherwise it is the same in all slices.
        attempts: how often patterns that fail the condition are drawn again.

    Raises:
        ValueError: if the share is not in [0, 1), or no drawn pattern meets the condition.

    >>> pattern = random_pattern(1, sources=4, slices=3, variables=5, generator=torch.Generator().manual_seed(0))
    >>> pattern.shape, pattern.sum(-1).unique(), bool(pattern.any(1).all())
    (torch.Size([1, 4, 3, 5]), tensor([4]), True)
    """
    if not 0 <= hidden < 1:
        raise ValueError(f"the hidden share of the variables must be at least 0 and below 1, but it is {hidden}")
    number = round(hidden * variables)
    groups = slices if per_slice else 1

    def draw(count: int) -> Tensor:
        shape = (count, sources, groups, variables)
        order = torch.rand(shape, dtype=torch.float64, device=generator.device, generator=generator).argsort(dim=-1)
        return (order >= number).expand(count, sources, slices, variables).clone()

    def meets(pattern: Tensor) -> Tensor:
        covered = pattern.any(1).flatten(1).all(-1)
        return covered & pairs_observed(pattern).all(-1).all(-1) if every_pair else covered

    pattern = draw(replicates)
    for attempt in range(attempts + 1):
        missing = (~meets(pattern)).nonzero().squeeze(-1)
        if not len(missing):
            return pattern
        if attempt < attempts:
            pattern[missing] = draw(len(missing))
    what = "variable in every slice" + (" and every pair of variables" if every_pair else "")
    raise ValueError(f"with {sources} sources that hide {number} of {variables} variables, no drawn pattern measures every {what}")


def draw_sources(
    truth: Dbn, observed: Bool[Tensor, "R K T p"], trajectories: int, generator: torch.Generator, noise: float = 0.3
) -> Sources:
    """Each source draws its own trajectories, measures them with Gaussian noise on each entry and hides some entries.

    Args:
        truth: the networks, shape (R, ...).
        observed: which entries each source measures.
        trajectories: how many per source.
        generator: the source of randomness.
        noise: standard deviation of the measurement noise, known to the learner.

    Raises:
        ValueError: if the noise is negative or a source has fewer than two trajectories.

    >>> from ddlib.dbn import random_networks
    >>> generator = torch.Generator().manual_seed(0)
    >>> _, truth = random_networks(1, 3, generator)
    >>> draw_sources(truth, random_pattern(1, 2, 4, 3, generator), 20, generator, noise=0.3).values.shape
    torch.Size([1, 2, 20, 4, 3])
    """
    if noise < 0:
        raise ValueError(f"the standard deviation of the noise must not be negative, but it is {noise}")
    if trajectories < 2:
        raise ValueError(f"a source needs at least 2 trajectories, but {trajectories} were asked for")
    sources, slices = observed.shape[1:3]
    clean = sample(truth, sources * trajectories, slices, generator).unflatten(1, (sources, trajectories))
    error = torch.randn(clean.shape, dtype=clean.dtype, device=generator.device, generator=generator).to(clean)
    values = torch.where(observed.unsqueeze(2), clean + noise * error, torch.nan)
    return Sources(values, observed, torch.full(observed.shape, noise, dtype=clean.dtype, device=clean.device))
