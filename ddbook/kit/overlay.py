"""One figure over another of the same kind: the reference run as small hollow diamonds over the present one."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator, FuncFormatter

NOT_OURS = "not ours"
"""Marks what a figure shows besides its own run: figures of the authors, arrows at an edge."""
SIZE, MOST = 3.4, 12
"""Of a diamond, in points, and about how many a line has at most."""


def lay_over(figure: Figure, earlier: Figure) -> int:
    """Copies the curves of another run of the same figure over this one's, as small hollow diamonds; the other is closed.

    A long line has some of them, not one at each of its points. Lines across a whole panel, intervals, ticks, error bars and what
    carries the mark ``NOT_OURS`` (:meth:`~matplotlib.artist.Artist.set_gid`) are not copied.

    Returns:
        How many curves were copied.

    Raises:
        ValueError: if the figures do not have the same panels, or a name stands at another place of an axis, or another name at the
            same place: the curves would lie wrongly.
    """
    plt.close(earlier)
    if len(figure.axes) != len(earlier.axes):
        raise ValueError(
            f"a figure of {len(earlier.axes)} panels cannot lie over one of {len(figure.axes)}: draw both the same way"
        )
    panels = list(zip(figure.axes, earlier.axes, strict=True))
    for axes, other in panels:  # all of them before the first line is copied
        for name in ("xaxis", "yaxis"):
            here, there = (_names(getattr(each, name)) for each in (axes, other))
            moved = any(here.get(place, text) != text for place, text in there.items())
            if moved or {*here.values()} & {text for place, text in there.items() if place not in here}:
                raise ValueError(f"an axis with the names {there} cannot lie over one with {here}: draw both the same way")
    copied = 0
    for axes, other in panels:
        for line in other.get_lines():
            if line.get_transform() != other.transData or line.get_gid() == NOT_OURS:
                continue
            x, y = map(np.asarray, line.get_data())
            curve = np.size(x) > 1 and line.get_linestyle() not in ("None", "none", "", " ")
            interval = np.size(x) == 2 and (x[0] == x[1] or y[0] == y[1])
            plain = line.get_marker() in ("|", "_", ",", "", "None", None)
            if plain and (interval or not curve):  # what remains are ticks of single seeds, or nothing to see
                continue
            copy = Line2D(x, y, color=line.get_color(), linestyle="none", zorder=line.get_zorder() + 1, label="_reference")
            copy.set(marker="D", markersize=SIZE, markerfacecolor="none", markeredgewidth=0.8)
            copy.set_markevery(max(1, np.size(x) // MOST))
            axes.add_line(copy)
            copied += 1
        axes.autoscale_view()
    return copied


def _names(axis: Axis) -> dict[float, str]:
    """The names that were given to places along an axis, without what a second line says of them; none where it has numbers."""
    places, names = axis.get_major_locator(), axis.get_major_formatter()
    if not isinstance(places, FixedLocator) or not isinstance(names, FixedFormatter | FuncFormatter):
        return {}
    texts = names.format_ticks(list(places()))  # not the labels' own texts, which panels that share an axis do not have
    return {float(place): text.partition("\n")[0] for place, text in zip(places(), texts, strict=True)}
