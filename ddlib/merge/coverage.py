"""Who measures what: patients per source and column, pairs of columns that nobody measured together, and what is known of them."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ddlib.dbn.model.network import Gaussian
from ddlib.merge.information import Information
from ddlib.merge.panel import Panel

__all__ = ["correlations", "within_visit"]


class Coverage(NamedTuple):
    """Counts of patients.

    Attributes:
        single: patients of each source with at least one measurement of each column.
        together: patients with a measurement of both columns at the same visit.
        apart: patients with a measurement of both columns, at whichever visits.
    """

    single: Int[Tensor, "K p"]
    together: Int[Tensor, "p p"]
    apart: Int[Tensor, "p p"]


def count_coverage(panel: Panel) -> Coverage:
    """Count the patients who have each column and each pair of columns."""
    single, width = [], len(panel.columns)
    together, apart = torch.zeros(width, width), torch.zeros(width, width)
    for values in panel.values:
        seen = (~values.isnan()).to(torch.float32)  # whole numbers up to 16 million
        any_visit = seen.amax(1)
        single.append(any_visit.sum(0))
        apart = apart + any_visit.mT @ any_visit
        for rows in seen.split(4096):
            together = together + (rows.mT @ rows > 0).sum(0)
    return Coverage(torch.stack(single).long(), together.long(), apart.long())


def within_visit(law: Gaussian, visits: int) -> Float[Tensor, "*R p p"]:
    """The covariance within a visit, averaged over the visits.

    >>> law = Gaussian(torch.zeros(4), torch.diag(torch.tensor([1.0, 2.0, 3.0, 4.0])))  # two visits of two variables
    >>> within_visit(law, 2)
    tensor([[2., 0.],
            [0., 3.]])
    """
    variables = law.mean.shape[-1] // visits
    blocks = law.covariance.unflatten(-1, (visits, variables)).unflatten(-3, (visits, variables))
    return blocks.diagonal(dim1=-4, dim2=-2).mean(-1)


def correlations(covariance: Float[Tensor, "*R p p"]) -> Float[Tensor, "*R p p"]:
    """The correlations of a covariance.

    >>> correlations(torch.tensor([[4.0, 3.0], [3.0, 9.0]]))
    tensor([[1.0000, 0.5000],
            [0.5000, 1.0000]])
    """
    scale = covariance.diagonal(dim1=-2, dim2=-1).sqrt()
    return covariance / (scale.unsqueeze(-1) * scale.unsqueeze(-2))


def never_together(panel: Panel, coverage: Coverage, law: Gaussian, known: Information | None) -> list[dict[str, Any]]:
    """Pairs of columns that no patient has both of at one visit, with their estimated correlation and its standard error.

    The error is by the delta method from the information of the records; null where they do not determine the correlation, or where
    the information was not computed.

    Args:
        panel: the patients.
        coverage: who measures what.
        law: of a trajectory in standard units, with a replicate axis of length one.
        known: the information of the records.
    """
    visits = panel.visits.number
    covariance = within_visit(law, visits)[0]
    correlation = correlations(covariance)
    found = []
    for i, j in (coverage.together == 0).triu(1).nonzero().tolist():
        error = None
        if known is not None:
            change = within_visit(Gaussian(known.changes[..., 0], known.changes), visits)
            variances = change[:, i, i] / covariance[i, i] + change[:, j, j] / covariance[j, j]
            scale = (covariance[i, i] * covariance[j, j]).sqrt()
            size = known.standard_error(change[:, i, j] / scale - 0.5 * correlation[i, j] * variances)
            error = size if math.isfinite(size) else None
        found.append(
            {
                "columns": [panel.columns[i], panel.columns[j]],
                "patients_at_other_visits": int(coverage.apart[i, j]),
                "correlation": float(correlation[i, j]),
                "standard_error": error,
            }
        )
    return found
