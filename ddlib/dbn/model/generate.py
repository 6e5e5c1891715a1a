"""Random networks with documented ranges, and trajectories drawn from them."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ddlib.dbn.model.network import Dbn, Graph, spectral_radius

__all__ = [
    "INTRA_WEIGHTS",
    "LEVEL",
    "RADIUS",
    "SELF_WEIGHTS",
    "WEAKEST",
    "check_at_least",
    "random_graphs",
    "random_networks",
    "sample",
]

INTRA_WEIGHTS = (0.3, 1.0)
"""Magnitudes of intra-slice weights; signs are random."""
SELF_WEIGHTS = (0.4, 1.1)
"""Inter-slice weights before rescaling; self edges are positive, the others have random signs."""
RADIUS = (0.5, 0.9)
"""Range of the spectral radius of the transition."""
LEVEL = (-1.0, 1.0)
"""Range of each variable's mean, the same in every slice."""
WEAKEST = 0.15
"""Smallest inter-slice weight after rescaling: networks with a weaker one are drawn again, so that every edge matters."""


def _uniform(shape: tuple[int, ...], low: float, high: float, generator: torch.Generator) -> Tensor:
    return low + (high - low) * torch.rand(shape, dtype=torch.float64, device=generator.device, generator=generator)


def _signs(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return torch.randint(0, 2, shape, device=generator.device, generator=generator).to(torch.float64) * 2 - 1


def _order(count: int, items: int, generator: torch.Generator) -> Tensor:
    """A random permutation per replicate."""
    return torch.rand(count, items, dtype=torch.float64, device=generator.device, generator=generator).argsort(dim=-1)


def check_at_least(setting: object, **least: int) -> None:
    """Refuse a setting with a size below its least.

    Raises:
        ValueError: that names the size.

    >>> from types import SimpleNamespace
    >>> check_at_least(SimpleNamespace(seeds=0, steps=5), seeds=1, steps=1)
    Traceback (most recent call last):
        ...
    ValueError: seeds must be at least 1, but it is 0
    """
    for name, number in least.items():
        if getattr(setting, name) < number:
            raise ValueError(f"{name} must be at least {number}, but it is {getattr(setting, name)}")


def random_graphs(replicates: int, variables: int, generator: torch.Generator, degree: float = 1.3) -> Graph:
    """Random graphs after the published description.

    Intra-slice: a random order of the variables, each forward edge with probability 2·degree/p, the same graph in every slice.
    Inter-slice: p/2 self edges and p/2 edges between different variables (rounded down, at least one of the former).

    Args:
        replicates: how many graphs R.
        variables: the number of variables p, at least 2.
        generator: the source of randomness; its device is the device of the result.
        degree: half the expected number of intra-slice neighbours.

    Raises:
        ValueError: if there are fewer than two variables.

    >>> graph = random_graphs(5, 4, torch.Generator().manual_seed(0))
    >>> graph.inter.shape, graph.inter.sum((-2, -1))
    (torch.Size([5, 4, 4]), tensor([4, 4, 4, 4, 4]))
    """
    if variables < 2:
        raise ValueError(f"a network needs at least 2 variables, but {variables} were asked for")
    rank = _order(replicates, variables, generator)
    forward = rank.unsqueeze(-1) > rank.unsqueeze(-2)
    intra = forward & (_uniform((replicates, variables, variables), 0, 1, generator) < 2 * degree / variables)
    half = variables // 2
    chosen = _order(replicates, variables, generator) < half
    inter = torch.diag_embed(chosen)
    others = _order(replicates, variables * (variables - 1), generator) < half
    off_diagonal = ~torch.eye(variables, dtype=torch.bool, device=generator.device)
    inter[:, off_diagonal] = others
    return Graph(intra, intra.clone(), inter)


def _draw(graph: Graph, generator: torch.Generator, noise: float) -> tuple[Dbn, Bool[Tensor, " R"]]:
    shape = tuple(graph.intra.shape)
    replicates, variables = shape[:2]
    intra = graph.intra * _uniform(shape, *INTRA_WEIGHTS, generator) * _signs(shape, generator)
    self_edges = torch.eye(variables, dtype=torch.bool, device=generator.device)
    inter = graph.inter * _uniform(shape, *SELF_WEIGHTS, generator) * torch.where(self_edges, 1.0, _signs(shape, generator))
    level = _uniform((replicates, variables), *LEVEL, generator)
    radius = _uniform((replicates,), *RADIUS, generator)
    roots = ~graph.first.any(-1)
    first_variance = torch.where(roots, 1.0, noise**2).to(torch.float64)
    variance = torch.full_like(level, noise**2)
    model = Dbn(level, intra, first_variance, level, intra, inter, variance)
    scaled = inter * (radius / spectral_radius(model))[:, None, None]
    magnitude = scaled.abs()
    weakest = torch.where(graph.inter, magnitude, torch.inf).amin((-2, -1))
    good = (weakest >= WEAKEST) & (magnitude.amax((-2, -1)) <= SELF_WEIGHTS[1])
    first_intercept = level - (intra @ level.unsqueeze(-1)).squeeze(-1)
    intercept = level - ((intra + scaled) @ level.unsqueeze(-1)).squeeze(-1)
    return Dbn(first_intercept, intra.clone(), first_variance, intercept, intra, scaled, variance), good


def random_networks(
    replicates: int, variables: int, generator: torch.Generator, degree: float = 1.3, noise: float = 0.5, attempts: int = 1000
) -> tuple[Graph, Dbn]:
    """Random stable networks in which every edge matters.

    Graphs come from :func:`random_graphs`. Intra-slice weights have magnitude U(0.3, 1) and a random sign, the same in every slice.
    Inter-slice weights are U(0.4, 1.1) on self edges, the same with a random sign on the others, then all multiplied by one factor
    per network so that the spectral radius of (I − W)⁻¹A is U(0.5, 0.9). A network is drawn again where this leaves an inter-slice
    weight below 0.15 or above 1.1 in magnitude. Noise standard deviation 0.5, but 1 at the roots of the first slice. Intercepts
    give every variable one mean U(−1, 1) in all slices. (The published description has intra-slice weights U(0.1, 1), inter-slice
    U(0.4, 1.1), no signs, and the same noise.)

    Args:
        replicates: how many networks R.
        variables: the number of variables p.
        generator: the source of randomness; its device is the device of the result.
        degree: half the expected number of intra-slice neighbours.
        noise: standard deviation of the noise of a transition.
        attempts: how often the networks that were refused are drawn again.

    Returns:
        The graphs and the networks.

    Raises:
        ValueError: if there are fewer than two variables.
        RuntimeError: if some network was refused in every attempt.

    >>> graph, model = random_networks(5, 4, torch.Generator().manual_seed(0))
    >>> bool((spectral_radius(model) < 1).all()), bool((model.inter[graph.inter].abs() >= 0.15).all())
    (True, True)
    """
    graph = random_graphs(replicates, variables, generator, degree)
    model, good = _draw(graph, generator, noise)
    for attempt in range(attempts + 1):
        missing = (~good).nonzero().squeeze(-1)
        if not len(missing):
            return graph, model
        if attempt == attempts:
            break
        part = random_graphs(len(missing), variables, generator, degree)
        drawn, accepted = _draw(part, generator, noise)
        for whole, new in zip((*graph, *model), (*part, *drawn), strict=True):
            whole[missing] = new
        good = good.clone()
        good[missing] = accepted
    raise RuntimeError(f"{int((~good).sum())} of {replicates} networks were refused in each of {attempts + 1} attempts")


def sample(model: Dbn, trajectories: int, slices: int, generator: torch.Generator) -> Float[Tensor, "R n T p"]:
    """Independent complete trajectories of each network.

    Args:
        model: networks, shape (R, ...).
        trajectories: how many per network.
        slices: the number of slices T.
        generator: the source of randomness.

    >>> generator = torch.Generator().manual_seed(0)
    >>> sample(random_networks(5, 4, generator)[1], trajectories=10, slices=3, generator=generator).shape
    torch.Size([5, 10, 3, 4])
    """
    shape = (*model.variance.shape[:-1], trajectories, slices, model.variance.shape[-1])
    noise = torch.randn(shape, dtype=model.variance.dtype, device=generator.device, generator=generator).to(model.variance)
    identity = torch.eye(shape[-1], dtype=noise.dtype, device=noise.device)
    first_total = torch.linalg.inv(identity - model.first_weights)
    total = torch.linalg.inv(identity - model.intra)
    first = model.first_intercept.unsqueeze(-2) + noise[..., 0, :] * model.first_variance.sqrt().unsqueeze(-2)
    path = [first @ first_total.mT]
    for t in range(1, slices):
        shock = model.intercept.unsqueeze(-2) + noise[..., t, :] * model.variance.sqrt().unsqueeze(-2)
        path.append((shock + path[-1] @ model.inter.mT) @ total.mT)
    return torch.stack(path, dim=-2)
