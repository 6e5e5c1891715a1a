"""The book's figures: one style, panels, legends and names at the ends of lines, and what a dark page makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ddbook.kit.looks import GREY

TEXT_WIDTH = 7.0
"""Width of the book's text column in inches: figures are drawn at the size at which they are read."""
GRID = "#dddddd"
"""Of grid lines and of bands behind curves."""
INK, PAPER, DARK_GRID, DARK_GREY = "#dbe1e6", "#13181c", "#3b454e", "#98a4ae"
"""On a dark page: what is black, white, grid and grey on a light one. The page's own colours, see ``book/_static/ddlib.css``."""


def use_style() -> None:
    """Set matplotlib's defaults for the book, whatever a user's ``matplotlibrc`` says; called once at the top of every chapter."""
    mpl.rcdefaults()
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
            "grid.color": GRID,
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


def panels(columns: int = 1, rows: int = 1, height: float = 2.9, width: float = TEXT_WIDTH, **options: Any) -> tuple[Figure, Any]:
    """A figure as wide as the text, with a constrained layout, and its axes.

    Args:
        columns, rows: the grid of axes.
        height: of one row, in inches.
        width: of the whole figure, in inches.
        options: passed to ``matplotlib.pyplot.subplots``.
    """
    return plt.subplots(rows, columns, figsize=(width, height * rows), layout="constrained", **options)


def grid(count: int, columns: int = 3, height: float = 2.0, **options: Any) -> tuple[Figure, np.ndarray]:
    """As :func:`panels`, with so many panels in rows of at most so many columns; the rest of the last row is empty.

    Returns:
        The figure and all axes, shape (rows, columns).
    """
    columns = min(columns, count)
    figure, axes = panels(columns, -(-count // columns), height, squeeze=False, **options)
    for unused, above in zip(axes[-1], axes[-2] if len(axes) > 1 else axes[-1], strict=True):
        if unused in axes.flat[count:]:
            unused.set_visible(False)
            above.xaxis.set_tick_params(labelbottom=True)  # also where panels share their axis
    return figure, axes


def name_outer(axes: np.ndarray, x: str = "", y: str = "") -> None:
    """Names for the axes of a whole grid: x below the lowest panel of each column, y beside the first column."""
    for column in axes.T:
        [panel for panel in column if panel.get_visible()][-1].set_xlabel(x)
    for panel in axes[:, 0]:
        panel.set_ylabel(y)


def legend_below(figure: Figure, columns: int = 3, handles: Sequence[Artist] = (), **options: Any) -> None:
    """A legend below all panels, each name once.

    Args:
        figure: the figure.
        columns: of the legend.
        handles: what it lists; by default all that carries a label, in the order of the panels.
        options: passed to ``Figure.legend``.
    """
    listed = [(handle, str(handle.get_label())) for handle in handles]
    for axes in figure.axes if not listed else ():
        listed += zip(*axes.get_legend_handles_labels(), strict=True)
    entries = {name: handle for handle, name in reversed(listed)}  # of two with one name the first
    names = list(dict.fromkeys(name for _, name in listed))
    figure.legend([entries[name] for name in names], names, loc="outside lower center", ncols=columns, **options)


def label_ends(axes: Axes, size: float = 7.5, room: float = 14.0) -> None:
    """Names at the right ends of the lines of a panel in the place of a legend; a name that has to give way points to its line.

    The names are spread as little as keeps them apart. Called last, when the limits of the axes are set.

    Args:
        axes: the panel.
        size: of the letters, in points.
        room: between the lines' ends and the names, in points.
    """
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()  # only then are the places on the page known
    ends = []
    for handle, name in zip(*axes.get_legend_handles_labels(), strict=True):
        line: Any = handle[0] if isinstance(handle, tuple) else handle  # with error bars a line is the first of several
        xs, ys = (np.asarray(values, dtype=np.float64) for values in line.get_data())
        shown = np.isfinite(ys)
        if shown.any():
            x, y = float(xs[shown][-1]), float(ys[shown][-1])
            ends.append((x, y, name, line.get_color()))
    points = 72 / figure.dpi
    ends.sort(key=lambda end: end[1])
    heights = [float(axes.transData.transform((x, y))[1]) * points for x, y, _, _ in ends]
    low, high = (float(edge) * points for edge in (axes.bbox.y0, axes.bbox.y1))
    for (x, y, name, color), here, there in zip(ends, heights, spread(heights, 1.25 * size, low, high), strict=True):
        arrow = {"arrowstyle": "-", "color": color, "linewidth": 0.6, "relpos": (0, 0.5), "shrinkA": 0, "shrinkB": 2}
        axes.annotate(
            name,
            (x, y),
            (room, there - here),
            textcoords="offset points",
            va="center",
            fontsize=size,
            color=color,
            arrowprops=arrow,
            annotation_clip=False,
        )


def spread(heights: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """The places nearest to some ascending heights, in squares, that are a gap apart and, where there is room, inside a range.

    >>> spread([0.0, 0.0, 10.0], 2.0, -5.0, 15.0)
    [-1.0, 1.0, 10.0]
    """
    blocks: list[tuple[float, int]] = []  # means and sizes; what follows a mean that is above its own joins it
    for place, height in enumerate(heights):
        mean, size = height - gap * place, 1
        while blocks and blocks[-1][0] > mean:
            above, many = blocks.pop()
            mean, size = (above * many + mean * size) / (many + size), many + size
        blocks.append((mean, size))
    means = np.repeat([mean for mean, _ in blocks], [size for _, size in blocks])
    least, most = low, max(low, high - gap * (len(heights) - 1))
    return [float(mean + gap * place) for place, mean in enumerate(means.clip(least, most))]


def entry(**look: Any) -> Line2D:
    """What a legend shows for a look that no single line of the figure has."""
    return Line2D([], [], **look)


def on_color(dark: bool) -> str:
    """The colour of letters on a coloured ground, which stays as it is on a dark page.

    Args:
        dark: whether the ground is dark.
    """
    return "#fefefe" if dark else "#010101"


def themed(svg: bytes) -> bytes:
    """A picture that matplotlib wrote, with a second set of inks for dark pages: paper, ink, grid and grey.

    A browser takes the one that fits the ``color-scheme`` of the page around the picture; whoever does not know the rule sees the
    light one. Colours of methods are the same on both.
    """
    inks = {"#ffffff": PAPER, "#000000": INK, GRID: DARK_GRID, GREY: DARK_GREY}
    rules = [f"svg{{fill:{INK}}}"]  # letters and black areas have no fill of their own
    for light, dark in inks.items():
        for kind in ("fill", "stroke"):
            rules.append(f'[style*="{kind}: {light}"],[{kind}="{light}"]{{{kind}:{dark}!important}}')
    return svg.replace(b"</style>", f"@media (prefers-color-scheme: dark){{{''.join(rules)}}}</style>".encode(), 1)
