"""The scale on which a column is normal: its own, a monotone map of it, or thresholds of a latent value.

The model lives on the columns' latent scales, where every column has about mean zero and variance one
(:mod:`ddlib.merge.margins`); what comes out is mapped back. A column whose margin is the identity only changes its unit.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.special import ndtri
from torch import Tensor

from ddlib.dbn.model.network import Gaussian
from ddlib.merge.margins import Cells, Identity, Margin, choose_margin
from ddlib.merge.model.choice import Rows
from ddlib.merge.panel import Panel

__all__ = ["Margins", "Scales", "scales_of"]

Margins = Literal["auto", "normal"]
"""Whether the margin of a column is chosen by its values, or all are taken for normal."""
_GRID = ndtri((np.arange(400) + 0.5) / 400)
"""Quantiles of the normal law, for means and deviations on a column's own scale."""


class Scales(NamedTuple):
    """The margins of all columns.

    Attributes:
        moving: of the columns that change.
        fixed: of the static columns.

    >>> Scales([Identity(10.0, 2.0)], []).own(torch.tensor([[0.5, -1.0]]), visits=2)
    tensor([[11.,  8.]])
    """

    moving: list[Margin]
    fixed: list[Margin]

    def of_entries(self, visits: int) -> list[Margin]:
        """The margin of each entry of a patient: visits one after the other, then the static columns."""
        return [*self.moving * visits, *self.fixed]

    def own(self, patients: Float[Tensor, "n E"], visits: int) -> Float[Tensor, "n E"]:
        """Patients on the latent scales, on the columns' own."""
        back = [margin.back(column.numpy()) for margin, column in zip(self.of_entries(visits), patients.T, strict=True)]
        return torch.from_numpy(np.stack(back, axis=1))

    def law(self, latent: Gaussian, visits: int) -> Gaussian:
        """A law with the units of the columns whose margin is the identity; the others stay on their latent scale."""
        plain = [margin if isinstance(margin, Identity) else Identity(0.0, 1.0) for margin in self.of_entries(visits)]
        centre = torch.tensor([margin.centre for margin in plain], dtype=latent.mean.dtype)
        spread = torch.tensor([margin.spread for margin in plain], dtype=latent.mean.dtype)
        return Gaussian(centre + spread * latent.mean, latent.covariance * torch.outer(spread, spread))


def scales_of(panel: Panel, margins: Margins = "auto") -> Scales:
    """The margins of a panel's columns; those with a stated measurement error are normal, as the error is.

    Args:
        panel: the patients.
        margins: whether they are chosen.

    >>> import pandas as pd
    >>> from ddlib.merge.panel import read_panel
    >>> north = pd.DataFrame({"id": [1, 1, 2, 2], "time": [0, 1] * 2, "hb": [13.0, 12.0, 11.0, 12.0]})
    >>> [margin.centre for margin in scales_of(read_panel([north, north], "id", "time"), "normal").moving]
    [12.0]
    """

    every = [panel.cells(k) for k in range(len(panel.sources))]
    moving = panel.visits.number * len(panel.columns)

    def margin(entries: Any, centre: Tensor, spread: Tensor, noise: Tensor) -> Margin:
        plain = Identity(float(centre), float(spread))
        if margins == "normal":
            return plain
        ends = zip(*(part.take((slice(None), entries)) for part in every), strict=True)
        chosen = choose_margin(Cells(*(np.concatenate([end.ravel() for end in part]) for part in ends)))
        if bool((noise > 0).any()) and not isinstance(chosen, Identity):
            return plain._replace(why="measured with an error that is normal", otherwise=chosen.why)
        return plain if isinstance(chosen, Identity) else chosen

    return Scales(
        [
            margin(slice(i, moving, len(panel.columns)), panel.centre[i], panel.spread[i], panel.noise[:, i])
            for i in range(len(panel.columns))
        ],
        [
            margin(moving + i, panel.static_centre[i], panel.static_spread[i], panel.static_noise[:, i])
            for i in range(len(panel.static))
        ],
    )


def rows_of(panel: Panel, scales: Scales) -> Rows:
    """The panel's patients on the latent scales, one row each."""
    visits, entries = panel.visits.number, scales.of_entries(panel.visits.number)
    values, noise, limits = [], [], []
    for k in range(len(panel.sources)):
        errors = torch.cat([panel.noise[k].repeat(visits), panel.static_noise[k]]).tolist()
        own = panel.cells(k)
        cells = [margin.forward(own.take(np.s_[:, j])) for j, margin in enumerate(entries)]
        lower, upper = (torch.from_numpy(np.stack(ends, axis=1)) for ends in zip(*cells, strict=True))
        values.append(torch.where(lower == upper, lower, torch.nan))
        limits.append((lower, upper))
        noise.append(torch.tensor([margin.noise(size) ** 2 if size else 0.0 for margin, size in zip(entries, errors, strict=True)]))
    intervals = any(bool(((lower < upper) & (lower.isfinite() | upper.isfinite())).any()) for lower, upper in limits)
    cuts = tuple(margin.cuts for margin in entries)
    return Rows(values, torch.stack(noise).to(values[0].dtype), _entry_visits(panel), limits if intervals else None, cuts)


def _entry_visits(panel: Panel) -> Int[Tensor, " D"]:
    """The visit of each entry of a patient; −1 for static columns."""
    moving = torch.arange(panel.visits.number).repeat_interleave(len(panel.columns))
    return torch.cat([moving, torch.full((len(panel.static),), -1)])


def own_moments(margin: Margin, mean: float, deviation: float) -> tuple[float, float]:
    """Mean and standard deviation of a column on its own scale, whose latent value is normal with these.

    >>> own_moments(Identity(10.0, 2.0), 0.5, 1.0)
    (11.0, 2.0)
    """
    if isinstance(margin, Identity):
        return margin.centre + margin.spread * mean, margin.spread * deviation
    values = margin.back(mean + deviation * _GRID)
    return float(values.mean()), float(values.std())
