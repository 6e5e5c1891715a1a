"""A matrix of numbers as colours, with each number written in its cell."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from ddbook.kit.figures import on_color


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
        color = on_color(exponents[i, j] < (low + high) / 2)
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
