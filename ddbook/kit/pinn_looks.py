"""How the methods of the PINN chapters are drawn: one colour, marker and line for each, in all of them."""

from __future__ import annotations

from typing import Any, NamedTuple

from ddbook.kit import plotting


class Style(NamedTuple):
    """What ``Axes.plot`` is given, without a label.

    Attributes:
        color: of marker and line.
        marker: at the values.
        linestyle: between them.
    """

    color: str
    marker: str
    linestyle: Any


def _as_elsewhere(method: str) -> Style:
    look = plotting.look(method)
    return Style(look["color"], look["marker"], look["linestyle"])


STYLES = {
    **{method: _as_elsewhere(method) for method in ("random", "unrolled", "gradient_matching")},
    "full": Style(plotting.GREY, "x", "-."),
    "smoothed": Style(plotting.ORANGE, "v", ":"),
    "teacher_uniform": Style(plotting.BLUE, "o", ":"),
    "teacher_sobol": Style(plotting.BLUE, "P", "--"),
    "sobol": Style(plotting.BLUE, "P", "--"),
    "sobol_target": Style(plotting.BLACK, "x", ":"),
    "tensor_grid": Style(plotting.BLUE, "o", "-"),
    "kernel_distillation": Style(plotting.SKY, "h", "-."),
    "kernel_matching": Style(plotting.VERMILION, "s", "-"),
    "teacher_matching": Style(plotting.GREEN, "d", "-."),
    "derivative_free": Style(plotting.PURPLE, "v", "-"),
    "averaged_search": Style(plotting.PURPLE, "X", "-."),
    "screened": Style(plotting.BLACK, "*", "--"),
    "collocation": Style(plotting.SKY, "d", ":"),
    "informed": Style(plotting.BLACK, "p", "-"),
}


def style(method: str, label: str | None = None) -> dict[str, Any]:
    """Keyword arguments for ``Axes.plot`` of a method.

    Raises:
        KeyError: if the method has no style yet; it gets one in this file.

    >>> style("kernel_matching", "ours")["marker"]
    's'
    """
    if method not in STYLES:
        raise KeyError(f"no style for the method {method!r}: add one to ddlib/pinn/looks.py (known: {', '.join(STYLES)})")
    return {**STYLES[method]._asdict(), "label": label}
