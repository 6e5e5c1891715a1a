r"""The merged estimate: from the panel to the law of a synthetic patient, and what the records do not say of it.

The model is chosen and fitted (:mod:`ddlib.merge.model`); its law at the reported visits is then completed where no patient has two
measurements together. Such entries of the covariance are a convention: given everything else the two are independent, which is the
law of maximum entropy among all that share what was measured (:mod:`ddlib.merge.unmeasured`). Beside it stand the bounds that what
was measured allows, widened by its sampling error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ddlib.dbn.model.network import Gaussian
from ddlib.merge.model.choice import ChosenModel, choose
from ddlib.merge.model.information import Information, information
from ddlib.merge.model.law import Shape, law, means
from ddlib.merge.panel import Panel
from ddlib.merge.scales import Scales, rows_of
from ddlib.merge.unmeasured import bounds, column_of, in_column_units, maximum_entropy, pair_correlations, widened

__all__ = ["MergeEstimate", "Pair", "determined", "estimate"]

_DRAWS = 100
"""Draws of the law from which the sampling error of bounds is taken."""


class Pair(NamedTuple):
    """Two columns that no patient has together at one visit.

    Attributes:
        first, second: their places among the columns, static ones last.
        correlation: within a visit, under the convention, on the latent scales.
        low, high: what the measured correlations allow.
        widened: whether these include the sampling error.

    >>> pair = Pair(0, 1, correlation=0.2, low=-0.3, high=0.8, widened=True)
    >>> round(pair.high - pair.low, 1)
    1.1
    """

    first: int
    second: int
    correlation: float
    low: float
    high: float
    widened: bool


class MergeEstimate(NamedTuple):
    """A merged estimate, on the latent scales; columns sorted by name, static ones last.

    Attributes:
        scales: the margins of the columns.
        chosen: the model, fitted.
        law: of a complete patient at the reported visits, completed.
        measured: entries of its covariance that the records determine, directly or through the model.
        residual: the largest partial correlation that completion has left of zero.
        pairs: columns that no patient has together at one visit.
        information: of the records; None for models with too many parameters.

    >>> import pandas as pd
    >>> from ddlib.merge.panel import read_panel
    >>> from ddlib.merge.scales import scales_of
    >>> from ddlib.merge.together import counts
    >>> north = pd.DataFrame({"id": [1, 1, 2, 2], "time": [0, 1] * 2, "hb": [13.0, 12.0, 11.0, 12.0]})
    >>> panel = read_panel([north.assign(crea=[80.0, 85.0, 90.0, 92.0]), north], "id", "time")
    >>> found = estimate(panel, scales_of(panel), counts(panel), 2.0, 0.1, 100, lambda text, share: None)
    >>> found.law.mean.shape, found.pairs
    (torch.Size([4]), [])
    """

    scales: Scales
    chosen: ChosenModel
    law: Gaussian
    measured: Bool[Tensor, "E E"]
    residual: float
    pairs: list[Pair]
    information: Information | None


def reported_entries(panel: Panel) -> Int[Tensor, " E"]:
    """The entries of a patient that are reported: those of enough visits, and the static columns."""
    p, visits = len(panel.columns), panel.visits.number
    moving = torch.arange(visits * p).view(visits, p)[torch.from_numpy(panel.visits.reported)]
    return torch.cat([moving.flatten(), torch.arange(visits * p, visits * p + len(panel.static))])


def determined(counts: Int[Tensor, "D D"], variables: int, visits: int) -> Bool[Tensor, "D D"]:
    """Entries of a patient's covariance that the records determine.

    Those that some patient has together; and, because all transitions are alike, those that some patient has at another visit with
    the same step between them (none, or one visit), or, two or more visits apart, whatever the visits. A pair of columns that no
    patient has at all is determined nowhere; the variance of an entry always is.

    Args:
        counts: patients who have both entries.
        variables: the number of columns that change, p.
        visits: the number of visits T.

    >>> counts = 4 * torch.eye(4, dtype=torch.long)
    >>> counts[0, 1] = counts[1, 0] = 2  # two columns together at the first of two visits
    >>> determined(counts, variables=2, visits=2).long()
    tensor([[1, 1, 0, 0],
            [1, 1, 0, 0],
            [0, 0, 1, 1],
            [0, 0, 1, 1]])
    """
    size, moving = len(counts), visits * variables
    seen = counts > 0
    column = column_of(size, variables, visits)
    visit = torch.cat([torch.arange(moving) // variables, torch.zeros(size - moving, dtype=torch.long)])
    lag = (visit - visit.unsqueeze(-1)).clamp(-2, 2)
    static = torch.arange(size) >= moving
    lag[static] = lag[:, static] = 3
    width = variables + size - moving
    kind = (column.unsqueeze(-1) * width + column) * 6 + lag + 2
    known = torch.zeros(width * width * 6, dtype=torch.bool)
    known[kind[seen]] = True
    ever = torch.zeros(width, width, dtype=torch.bool)
    rows, columns = seen.nonzero().unbind(-1)
    ever[column[rows], column[columns]] = True
    far = (lag.abs() == 2) & ever[column.unsqueeze(-1), column]
    return seen | known[kind] | far | torch.eye(size, dtype=torch.bool)


def estimate(
    panel: Panel,
    scales: Scales,
    counts: Int[Tensor, "D D"],
    prior: float,
    tolerance: float,
    iterations: int,
    say: Callable[[str, float], None],
) -> MergeEstimate:
    """Choose and fit the model, and complete its law where nobody measured.

    Args:
        panel: the patients.
        scales: the margins of the columns.
        counts: patients who have both of two entries.
        prior: weight of the prior in patients.
        tolerance, iterations: of each fit.
        say: called with what is being done and the share of the whole work that is done.

    Raises:
        ValueError: if the measurements have no density where the search begins.

    >>> import pandas as pd
    >>> from ddlib.merge.panel import read_panel
    >>> from ddlib.merge.scales import scales_of
    >>> from ddlib.merge.together import counts
    >>> north = pd.DataFrame({"id": [1, 1, 2, 2], "time": [0, 1] * 2, "hb": [13.0, 12.0, 11.0, 12.0]})
    >>> panel = read_panel([north.assign(crea=[80.0, 85.0, 90.0, 92.0]), north.assign(alb=[40.0, 38.0, 41.0, 39.0])], "id", "time")
    >>> found = estimate(panel, scales_of(panel), counts(panel), 2.0, 0.1, 100, lambda text, share: None)
    >>> [(panel.columns[pair.first], panel.columns[pair.second]) for pair in found.pairs]
    [('alb', 'crea')]
    """
    p, q, visits = len(panel.columns), len(panel.static), panel.visits.number
    shape = Shape(p, q, tuple(panel.visits.steps.tolist()), len(panel.sources))
    chosen = choose(rows_of(panel, scales), shape, prior, tolerance, iterations, say)
    kept = reported_entries(panel)
    number = int(panel.visits.reported.sum())
    found = chosen.fit
    with torch.no_grad():
        average = means(found.at._replace(hospitals=torch.zeros_like(found.at.hospitals)), found.shape)[:1]
        mean, covariance = chosen.law(average, law(found.at, found.shape))
        mean, covariance = mean[0], covariance[kept][:, kept]
    measured = determined(counts, p, visits)[kept][:, kept]
    say("information of the records", 0.65)
    known = information(found, chosen.groups)
    say("what was never measured together", 0.75)
    completion = maximum_entropy(covariance, measured)
    pairs = _pairs(completion.covariance, measured, p, number, known, kept, chosen)
    return MergeEstimate(scales, chosen, Gaussian(mean[kept], completion.covariance), measured, completion.residual, pairs, known)


def _pairs(
    covariance: Float[Tensor, "E E"],
    measured: Bool[Tensor, "E E"],
    variables: int,
    visits: int,
    known: Information | None,
    kept: Tensor,
    chosen: ChosenModel,
) -> list[Pair]:
    """The pairs of columns that were never measured at one visit, with their bounds."""
    size = len(covariance)
    column = column_of(size, variables, visits)
    width = int(column.max()) + 1
    every = [(i, j) for i in range(width) for j in range(i + 1, width)]
    functional = pair_correlations(size, variables, visits, every)
    lacking = ((functional != 0) & ~measured).flatten(1).any(1)
    if not bool(lacking.any()):
        return []
    apart, lacked = [pair for pair, lacks in zip(every, lacking.tolist(), strict=True) if lacks], functional[lacking]
    standard = in_column_units(covariance, variables, visits)
    values = torch.einsum("kab,ab->k", lacked, standard)
    if known is None:
        limits = bounds(standard, measured, lacked)
    else:
        draws = known.draws(_DRAWS, torch.Generator().manual_seed(0))
        laws = torch.stack([chosen.law(*drawn)[1][kept][:, kept] for drawn in draws])
        limits = widened(standard, in_column_units(laws, variables, visits), measured, lacked)
    limits = limits.clamp(-1, 1)
    return [
        Pair(i, j, float(value), float(low), float(high), known is not None)
        for (i, j), value, (low, high) in zip(apart, values, limits, strict=True)
    ]
