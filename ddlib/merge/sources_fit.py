r"""Does one model fit all sources? Each source's log-likelihood under the merged estimate and under its own.

A source's own maximum is that of the same saturated model over the source's columns, fitted to its patients alone. It has d
parameters, so that the merged estimate lies about d / 2N nats per patient below it, or less, where the source is from the common
population. (The columns that a source lacks leave a trace in the law of those it has, which the merged estimate knows and the
source's own model does not: the difference may be negative.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from scipy.special import chdtrc

from ddlib.dbn.model.moments import fit_moments, gaussian_moments, regressors
from ddlib.dbn.model.network import Gaussian
from ddlib.merge.fit import Fit, fit, saturated
from ddlib.merge.panel import Panel
from ddlib.merge.patterns import group_patients


class SourceFit(NamedTuple):
    """How one source is fitted; log-likelihoods in nats per patient, in units of each column's spread.

    Attributes:
        source: its name.
        patients: how many it has.
        merged: log-likelihood under the merged estimate.
        own: under the estimate from this source alone.
        parameters: how many the latter has.
        converged: whether the latter's maximum was reached.
    """

    source: str
    patients: int
    merged: float
    own: float
    parameters: int
    converged: bool

    @property
    def difference(self) -> float:
        """What the source loses by the merge, in nats per patient."""
        return self.own - self.merged

    @property
    def expected(self) -> float:
        """What it loses at the most, about, where it is from the common population: parameters / 2N."""
        return self.parameters / (2 * self.patients)

    @property
    def differs(self) -> bool:
        """Whether the loss is at least twice the expected one and the likelihood-ratio test rejects at 1e-4."""
        enough = self.patients > self.parameters / 4  # else the test's approximation is poor
        tail = chdtrc(self.parameters, max(0.0, 2 * self.patients * self.difference))
        return enough and self.difference > 2 * self.expected and bool(tail < 1e-4)


def fit_sources(
    panel: Panel,
    merged: Fit,
    belongs: list[int],
    law: Gaussian,
    ridge: float,
    tolerance: float,
    cycles: int,
    watch: Callable[[int], None],
) -> list[SourceFit]:
    """Fit every source alone.

    Args:
        panel: the patients.
        merged: the merged estimate.
        belongs: the source of each of the groups that it was fitted to.
        law: of a trajectory under it, in standard units, with a replicate axis of length one.
        ridge, tolerance, cycles: of each fit.
        watch: called with the number of each source before its fit.
    """
    visits, variables = panel.visits.number, len(panel.columns)
    found = []
    for k, source in enumerate(panel.sources):
        watch(k)
        values, noise = panel.standard(k)
        keep = (~values.isnan()).any(0).any(0).nonzero().squeeze(-1)
        entries = (torch.arange(visits).unsqueeze(-1) * variables + keep).flatten()
        part = Gaussian(law.mean[:, entries], law.covariance[:, entries][:, :, entries])
        start = fit_moments(gaussian_moments(part, visits), regressors(saturated(len(keep))))
        own = fit(group_patients(values[..., keep], noise[keep], k), visits, tolerance, cycles, ridge, start=start)
        total = float(sum(merged.likelihood[g] for g, of in enumerate(belongs) if of == k))
        size, width = len(values), len(keep)
        parameters = 2 * width * (width + 1) + width
        found.append(SourceFit(source, size, total / size, float(own.likelihood.sum()) / size, parameters, own.converged))
    return found
