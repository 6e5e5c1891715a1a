"""Fill the gaps, then fit: mean imputation, and multiple imputation by chained equations (scikit-learn's)."""

from __future__ import annotations

import warnings

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.dbn.model.moments import trajectory_moments
from ddlib.dbn.model.network import Dbn, Graph
from ddlib.dbn.rivals.available_cases import Noise, fit_or_fail, mean_noise, subtract_noise
from ddlib.dbn.sources import Sources

__all__ = ["chained_equations", "mean_imputation"]


def _measured_rows(sources: Sources) -> Float[Tensor, "R n T p"]:
    return torch.where(sources.observed.unsqueeze(2), sources.values, torch.nan).flatten(1, 2)


def _weights(values: Float[Tensor, "R n T p"]) -> Float[Tensor, "R n"]:
    """One for each trajectory of which anything was measured."""
    return values.isfinite().any(-1).any(-1).to(values.dtype)


def mean_imputation(graph: Graph, sources: Sources, noise: Noise = "ignored") -> Dbn:
    """Missing cells become their variable's mean in that slice over all sources; then maximum likelihood.

    Args:
        graph: the known graphs.
        sources: the measurements; cells that are not a number are missing.
        noise: subtract the noise variance of the measured cells from the variances, or leave it in.

    >>> from ddlib.dbn import draw_sources, random_networks, random_pattern
    >>> generator = torch.Generator().manual_seed(0)
    >>> graph, truth = random_networks(1, 3, generator)
    >>> sources = draw_sources(truth, random_pattern(1, 3, 4, 3, generator), 50, generator)
    >>> mean_imputation(graph, sources).inter.shape
    torch.Size([1, 3, 3])
    """
    values = _measured_rows(sources)
    filled = torch.where(values.isnan(), values.nanmean(1, keepdim=True), values)
    moments = trajectory_moments(filled, _weights(values))
    if noise == "subtracted":
        moments = subtract_noise(moments, *mean_noise(sources, imputed=False))
    return fit_or_fail(graph, moments)


def chained_equations(
    graph: Graph, sources: Sources, noise: Noise = "ignored", imputations: int = 1, rounds: int = 5, seed: int = 0
) -> Dbn:
    """Multiple imputation by chained equations, and the mean of the fits to the completed data (Rubin 1987; van Buuren 2018).

    Each trajectory is one row with a column per variable and slice. scikit-learn's ``IterativeImputer`` draws each missing cell
    from its Bayesian ridge regression on the other columns, in turn. The parameters of the fits, variances included, are averaged
    (Rubin's rule for a point estimate).

    Args:
        graph: the known graphs.
        sources: the measurements; cells that are not a number are missing.
        noise: subtract the noise variance from the variances of the completed data, in which imputed cells are as noisy as measured
            ones, or leave it in.
        imputations: completed data sets.
        rounds: over all columns, for each of them.
        seed: of the imputer's random draws.

    >>> from ddlib.dbn import draw_sources, random_networks, random_pattern
    >>> generator = torch.Generator().manual_seed(0)
    >>> graph, truth = random_networks(1, 3, generator)
    >>> sources = draw_sources(truth, random_pattern(1, 3, 4, 3, generator), 50, generator)
    >>> chained_equations(graph, sources, rounds=2).inter.shape
    torch.Size([1, 3, 3])
    """
    values = _measured_rows(sources)
    kept = _weights(values) > 0
    first, pairs = mean_noise(sources, imputed=True)
    fits = []
    for r in range(values.shape[0]):
        rows = values[r][kept[r]]
        part = Graph(*(mask[r : r + 1] for mask in graph))
        each = []
        for draw in range(imputations if bool(rows.isnan().any()) else 1):
            moments = trajectory_moments(complete_rows(rows, rounds, seed + 1000 * r + draw).unsqueeze(0))
            if noise == "subtracted":
                moments = subtract_noise(moments, first[r : r + 1], pairs[r : r + 1])
            each.append(fit_or_fail(part, moments))
        fits.append(Dbn(*(torch.stack(parts).mean(0) for parts in zip(*each, strict=True))))
    return Dbn(*(torch.cat(parts) for parts in zip(*fits, strict=True)))


def complete_rows(rows: Float[Tensor, "n T p"], rounds: int, seed: int) -> Float[Tensor, "n T p"]:
    """One completed data set of one network."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401
    from sklearn.impute import IterativeImputer

    imputer = IterativeImputer(
        sample_posterior=True, max_iter=rounds, random_state=seed, skip_complete=True, keep_empty_features=True
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        complete = imputer.fit_transform(rows.flatten(1).cpu().numpy())
    return torch.as_tensor(complete).to(rows).view(rows.shape)
