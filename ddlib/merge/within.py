"""Cells beyond a limit of detection, and others that lie in an interval, in a report: how many, and values drawn for them.

What a report compares with the model, the observed means and spreads and what the checks look at, needs numbers. A cell that lies
in an interval counts there with a value drawn within it, given the estimate and all else that was measured of the patient: neither
the limit, nor half of it, nor the numbers alone have the mean and the spread of the measurements.
"""

from __future__ import annotations

import torch

from ddlib.dbn.model.network import Gaussian
from ddlib.merge.estimate import MergeEstimate
from ddlib.merge.latent import latent_rows, own_rows
from ddlib.merge.panel import Panel
from ddlib.merge.scales import rows_of
from ddlib.merge.streams import Streams
from ddlib.merge.warned import Warned
from ddlib.merge.wording import listed

__all__ = ["cells_within", "drawn_within"]


def cells_within(panel: Panel) -> dict[str, int]:
    """How many measured cells of each column are no numbers but lie in an interval; columns without any are left out.

    >>> import pandas as pd
    >>> from ddlib.merge.panel import read_panel
    >>> north = pd.DataFrame({"id": [1, 1, 2, 2], "time": [0, 1] * 2, "crp": ["<5", 12.0, 11.0, 15.0]})
    >>> cells_within(read_panel([north, north], "id", "time", join="never"))
    {'crp': 2}
    """
    if panel.limits is None:
        return {}
    names, visits = [*panel.columns, *panel.static], panel.visits.number
    columns = torch.cat([torch.arange(len(panel.columns)).repeat(visits), torch.arange(len(panel.columns), len(names))])
    count = torch.zeros(len(names), dtype=torch.long)
    for k in range(len(panel.sources)):
        count.index_add_(0, columns, torch.from_numpy(panel.cells(k).within.sum(0)))
    return {name: int(number) for name, number in zip(names, count.tolist(), strict=True) if number}


def drawn_within(panel: Panel, found: MergeEstimate) -> Panel:
    """The panel with numbers in the place of intervals, one draw under the estimate.

    >>> import pandas as pd
    >>> from ddlib.merge import merge
    >>> north = pd.DataFrame({"id": [1, 1, 2, 2, 3, 3], "time": [0, 1] * 3, "hb": [13.0, 12.0, "<11", 12.5, 14.0, 13.5]})
    >>> merged = merge([north, north], "id", "time", join="never")
    >>> bool(drawn_within(merged.panel, merged.estimate).values[0][1, 0, 0] < 11)
    True
    """
    if panel.limits is None:
        return panel
    centre, covariance = found.chosen.law(*found.chosen.fit.patient())
    noise = rows_of(panel, found.scales).noise
    visits, p = panel.visits.number, len(panel.columns)
    values, fixed = [], []
    for k, limits in enumerate(panel.limits):
        rows = torch.cat([panel.values[k].flatten(1), panel.fixed[k]], dim=1)
        within = torch.from_numpy(panel.cells(k).within)
        some = within.any(1)
        ends = limits[0][some], limits[1][some]
        names = [name for name, kept in zip(panel.patients[k], some.tolist(), strict=True) if kept]
        law, streams = Gaussian(centre[k], covariance), Streams.of(names, 0, 0, panel.sources[k])
        latent = latent_rows(found.scales, rows[some], law, noise[k], visits, streams, ends)
        rows[some] = torch.where(within[some], own_rows(found.scales, latent, rows[some], visits, ends), rows[some])
        values.append(rows[:, : visits * p].view(panel.values[k].shape))
        fixed.append(rows[:, visits * p :])
    return panel._replace(values=values, fixed=fixed, limits=None)


def scored_limits(panel: Panel, found: MergeEstimate) -> list[Warned]:
    """Say which columns have cells in intervals that were taken for numbers, because there are too many of them."""
    if found.chosen.latent is None or panel.limits is None:
        return []
    names = listed([repr(name) for name in cells_within(panel)], 5)
    text = (
        f"there are too many cells beyond limits of detection for a quick fit, so those of {names} count with the value that is "
        "expected there: spreads are too small."
    )
    return [Warned("scores", text)]
