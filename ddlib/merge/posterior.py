"""Laws of a patient at the reported visits, drawn with the uncertainty of the estimate, completed where nobody measured."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.dbn.model.network import Gaussian
from ddlib.merge.estimate import MergeEstimate, reported_entries
from ddlib.merge.panel import Panel
from ddlib.merge.unmeasured import maximum_entropy

CERTAIN = (
    "The model has too many parameters for its uncertainty to be computed: these tables are all from the one estimate, and "
    "intervals that are combined from them are too narrow."
)
"""What is to be said of tables that lack the estimate's uncertainty."""


class Drawn(NamedTuple):
    """One law, in units of each column's spread about its centre.

    Attributes:
        hospitals: the mean of each hospital's patients.
        law: of a patient of the average hospital: the mean of a column is that of the hospitals that measured it, each of which
            counts the same. The estimate's mean is the same average; hospitals in general are not what it is of.
    """

    hospitals: Float[Tensor, "K E"]
    law: Gaussian


def the_estimate(panel: Panel, found: MergeEstimate) -> Drawn:
    """The estimate itself, without its uncertainty."""
    centre, _ = found.chosen.law(*found.chosen.fit.patient())
    return Drawn(centre[:, reported_entries(panel)], found.law)


def drawn_laws(panel: Panel, found: MergeEstimate, number: int, generator: torch.Generator) -> list[Drawn]:
    """Draws of the law; the estimate, as many times, where its uncertainty is not known (:data:`CERTAIN`).

    Each covariance is completed by the law of maximum entropy given what the records measured, as the estimate's is: what nobody
    has together is the same convention in all, and varies only with what is measured.

    Args:
        panel: the patients.
        found: their estimate.
        number: how many.
        generator: the source of randomness.
    """
    if found.information is None:
        return [the_estimate(panel, found)] * number
    kept, weight = reported_entries(panel), _weights(panel)
    laws = []
    for drawn in found.information.draws(number, generator):
        centre, covariance = found.chosen.law(*drawn)
        hospitals = centre[:, kept]
        completed = maximum_entropy(covariance[kept][:, kept], found.measured).covariance
        laws.append(Drawn(hospitals, Gaussian((weight * hospitals).sum(0), completed)))
    return laws


def _weights(panel: Panel) -> Float[Tensor, "K E"]:
    """What each hospital counts in the mean of each entry: the same, if it measured the column."""
    visits = int(panel.visits.reported.sum())
    measured = [panel.measured(k) for k in range(len(panel.sources))]
    counts = torch.stack([torch.cat([moving.any(0).any(0).repeat(visits), fixed.any(0)]) for moving, fixed in measured])
    counts = counts.to(panel.centre.dtype)
    return counts / counts.sum(0)
