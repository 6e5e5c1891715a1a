"""One matplotlib style and one look per method in the whole book.

Colours are Okabe and Ito's palette, which readers with any common colour-vision deficiency can tell apart; marker and line
style differ as well, so that figures read in grey print.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator, FuncFormatter

TEXT_WIDTH = 7.0
"""Width of the book's text column in inches: figures are drawn at the size at which they are read."""

BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILION, PURPLE = (
    "#000000",
    "#E69F00",
    "#56B4E9",
    "#009E73",
    "#F0E442",
    "#0072B2",
    "#D55E00",
    "#CC79A7",
)
GREY = "#767676"
NOT_OURS = "not ours"
"""Marks what a figure shows besides its own run: figures of the authors, arrows at an edge."""


class Look(NamedTuple):
    """How a method is drawn wherever it appears."""

    color: str
    marker: str
    linestyle: str
    label: str


_LOOKS = {
    "exact": Look(BLUE, "o", "-", "exact construction"),
    "first_order": Look(GREEN, "s", "-", "first-order"),
    "first_order_loo": Look(GREEN, "D", ":", "first-order, leave-one-source-out"),
    "zeroth_order": Look(PURPLE, "v", "-", "zeroth-order (Algorithm 1)"),
    "random": Look(ORANGE, "^", "--", "random rows"),
    "k_means": Look(VERMILION, "P", "--", "k-means"),
    "truncated_svd": Look(SKY, "X", "--", "truncated SVD"),
    "unrolled": Look(GREEN, "D", "-", "unrolled"),
    "unrolled_truncated": Look(GREEN, "v", "--", "unrolled, truncated window"),
    "unrolled_warm": Look(VERMILION, "D", "-.", "unrolled, warm start"),
    "implicit": Look(BLACK, "x", "-", "implicit"),
    "gradient_matching": Look(VERMILION, "<", "-", "gradient matching"),
    "gradient_matching_cosine": Look(VERMILION, ">", ":", "gradient matching, cosine"),
    "distribution_matching": Look(ORANGE, "*", "-", "distribution matching"),
    "trajectory_matching": Look(PURPLE, "p", "-", "trajectory matching"),
    "kernel_inducing": Look(SKY, "d", "-", "kernel inducing points"),
    "kernel_inducing_labels": Look(SKY, "h", "-.", "kernel inducing points, labels too"),
    "herding": Look(ORANGE, "8", "--", "herding"),
    "k_center": Look(BLACK, "H", "--", "k-center"),
    "solved_labels": Look(VERMILION, "X", "-.", "k-means, labels solved"),
    "solved_labels_random": Look(ORANGE, "v", "-.", "random rows, labels solved"),
    "first_order_interval": Look(GREEN, "s", "-", "first-order, made for the interval"),
    "first_order_squared": Look(GREEN, "o", ":", "first-order, made for the mean"),
    "exact_unweighted": Look(BLUE, "v", ":", "exact construction without its weights"),
    "zeroth_order_antithetic": Look(PURPLE, "v", ":", "zeroth-order, antithetic"),
    "full": Look(GREY, ",", "-.", "all training data"),  # a line: the marker is a pixel
    "bound": Look(BLACK, "", "-", "certified lower bound"),
    "limit": Look(BLUE, "o", "-", "limit: EM carried exactly"),
    "em": Look(BLACK, "", "--", "EM on all sources"),
    "clean_subset": Look(ORANGE, "^", "--", "clean rows, same number"),
    "clean_all": Look(GREY, "", "-.", "all clean rows"),
    "start": Look(GREY, "x", ":", "noisy rows of the sources (start)"),
    "clean_subset_bic": Look(ORANGE, "<", "--", "clean rows, same number, plain BIC"),
    "clean_all_bic": Look(GREY, "|", ":", "all clean rows, plain BIC"),
    "truth": Look(BLACK, "", ":", "true network (ceiling)"),
}


def look(method: str) -> dict[str, Any]:
    """Keyword arguments for ``Axes.plot`` of a method: colour, marker, line style and label.

    Raises:
        KeyError: if the method has no look yet; it gets one in this file.

    >>> look("exact")["label"]
    'exact construction'
    """
    if method not in _LOOKS:
        raise KeyError(f"no look for the method {method!r}: add one to ddlib/plotting.py (known: {', '.join(_LOOKS)})")
    return _LOOKS[method]._asdict()


def use_style() -> None:
    """Set matplotlib's defaults for the book; called once at the top of every chapter."""
    mpl.rcParams.update(
        {
            "figure.dpi": 110,
            "savefig.dpi": 200,
            "figure.facecolor": "white",
            "font.size": 9,
            "axes.titlesize": 9.5,
            "axes.titleweight": "bold",
            "axes.titlelocation": "left",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.axisbelow": True,
            "axes.grid": True,
            "grid.color": "#dddddd",
            "grid.linewidth": 0.6,
            "legend.frameon": False,
            "legend.fontsize": 8,
            "lines.linewidth": 1.5,
            "lines.markersize": 4.5,
            "errorbar.capsize": 2,
            "svg.fonttype": "path",  # the reader's fonts do not change a figure
            "svg.hashsalt": "ddlib",  # the same figure gives the same file
        }
    )


def figure(columns: int = 1, rows: int = 1, height: float = 2.9, width: float = TEXT_WIDTH, **options: Any) -> tuple[Figure, Any]:
    """A figure as wide as the text, with a constrained layout.

    Args:
        columns, rows: the grid of axes.
        height: of one row, in inches.
        width: of the whole figure, in inches.
        options: passed to ``matplotlib.pyplot.subplots``.
    """
    return plt.subplots(rows, columns, figsize=(width, height * rows), layout="constrained", **options)


def lay_under(figure: Figure, earlier: Figure) -> int:
    """Copies the curves of another run of the same figure below this one's, wide and pale; the other figure is closed.

    Lines become wide bands, marks without a line large marks. Lines across a whole panel, ticks, error bars and what carries the
    mark ``NOT_OURS`` (:meth:`~matplotlib.artist.Artist.set_gid`) are not copied.

    Returns:
        How many curves were copied.

    Raises:
        ValueError: if the figures do not have the same panels, or a name stands at another place of an axis, or another name at the
            same place: the curves would lie wrongly.
    """
    plt.close(earlier)
    if len(figure.axes) != len(earlier.axes):
        raise ValueError(
            f"a figure of {len(earlier.axes)} panels cannot lie under one of {len(figure.axes)}: draw both the same way"
        )
    panels = list(zip(figure.axes, earlier.axes, strict=True))
    for axes, other in panels:  # all of them before the first line is copied
        for name in ("xaxis", "yaxis"):
            here, there = (_names(getattr(each, name)) for each in (axes, other))
            moved = any(here.get(place, text) != text for place, text in there.items())
            if moved or {*here.values()} & {text for place, text in there.items() if place not in here}:
                raise ValueError(f"an axis with the names {there} cannot lie under one with {here}: draw both the same way")
    copied = 0
    for axes, other in panels:
        for line in other.get_lines():
            if line.get_transform() != other.transData or line.get_gid() == NOT_OURS:
                continue
            x, y = line.get_data()
            band = np.size(x) > 1 and line.get_linestyle() not in ("None", "none", "", " ")
            if not band and line.get_marker() in ("|", "_", ",", "", "None", None):  # ticks of single seeds, or nothing to see
                continue
            copy = Line2D(x, y, color=line.get_color(), alpha=0.22, zorder=0.6, label="_reference")
            copy.set(linestyle="-" if band else "none", linewidth=5.0, solid_capstyle="round")
            if not band:
                copy.set(marker=line.get_marker(), markersize=2.4 * line.get_markersize(), markeredgewidth=0)
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


def heatmap(
    axes: Axes,
    values: np.ndarray,
    rows: list[str],
    columns: list[str],
    label: str,
    decades: tuple[int, int],
    notes: list[list[str]] | None = None,
) -> None:
    """A matrix of positive numbers on a logarithmic colour scale, with each number written in its cell.

    Args:
        values: the numbers, shape (rows, columns); those below the lowest decade are drawn in its colour and written as 0.
        rows, columns: the names along the sides.
        label: of the colour bar.
        decades: exponents of ten at both ends of the scale.
        notes: a second, small line in each cell, in the order of ``values``; an empty string leaves a cell without one.

    Raises:
        ValueError: if a number is not finite or is negative beyond rounding, or the notes do not fit the numbers.
    """
    odd = values[~(np.isfinite(values) & (values >= -1e-9))]
    if odd.size:
        raise ValueError(f"a logarithmic heatmap needs finite numbers of 0 or more, but got {odd.tolist()}: leave these out")
    if notes is not None and np.shape(notes) != values.shape:
        raise ValueError(f"notes of shape {np.shape(notes)} do not fit numbers of shape {values.shape}: give one for each cell")
    low, high = decades
    exponents = np.log10(np.clip(values, 10.0**low, 10.0**high))
    image = axes.imshow(exponents, cmap="cividis", vmin=low, vmax=high, aspect="auto")
    axes.grid(False)
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    axes.tick_params(length=0)
    for (i, j), value in np.ndenumerate(values):
        color = "white" if exponents[i, j] < (low + high) / 2 else "black"
        note = notes[i][j] if notes is not None else ""
        _write(axes, (j, i), f"{value:.2g}" if value >= 10.0**low else "0", 4.0 if note else 0.0, 8, color)
        if note:
            _write(axes, (j, i), note, -5.5, 6.5, color)
    bar = axes.figure.colorbar(image, ax=axes, ticks=range(low, high + 1, 2))
    bar.ax.set_yticklabels([f"$10^{{{e}}}$" for e in range(low, high + 1, 2)])
    bar.set_label(label)


def _write(axes: Axes, cell: tuple[int, int], text: str, above: float, size: float, color: str) -> None:
    """Text in a cell, so many points above its middle."""
    axes.annotate(text, cell, (0, above), textcoords="offset points", ha="center", va="center", fontsize=size, color=color)
