"""Panels, legends, names at the ends of lines, and the inks of a dark page."""

import io
import itertools

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.text import Text

from ddbook.kit import figures


@pytest.fixture(autouse=True)
def closed():
    with plt.rc_context():
        figures.use_style()
        yield
    plt.close("all")


def test_a_grid_hides_what_it_does_not_need_and_names_the_lowest_panels():
    _, axes = figures.grid(4, 3, sharex=True)
    figures.name_outer(axes, "x", "y")
    assert axes.shape == (2, 3)
    assert [panel.get_visible() for panel in axes.flat] == [True] * 4 + [False] * 2
    assert [panel.get_xlabel() for panel in axes.flat] == ["", "x", "x", "x", "", ""]
    assert [panel.get_ylabel() for panel in axes[:, 0]] == ["y", "y"]
    assert axes[0, 1].xaxis.get_tick_params()["labelbottom"]


def test_a_legend_below_names_each_method_once():
    figure, (left, right) = figures.panels(2)
    for panel, names in ((left, "ab"), (right, "bc")):
        for name in names:
            panel.plot([0, 1], label=name)
    figures.legend_below(figure)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a", "b", "c"]


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_names_at_the_ends_of_lines_do_not_overlap(scale):
    figure, axes = figures.panels()
    for place in range(6):
        axes.plot([1, 2], [1, 1 + 1e-3 * place], label=f"line {place}")
    axes.errorbar([1, 2], [2, 3], [0.1, 0.1], label="with bars")
    axes.set_yscale(scale)
    figures.label_ends(axes)
    figure.draw_without_rendering()
    boxes = sorted((Text.get_window_extent(text) for text in axes.texts), key=lambda box: box.y0)  # without the leaders
    assert len(boxes) == 7
    assert all(below.y1 <= above.y0 + 1 for below, above in itertools.pairwise(boxes))
    colors = {line.get_label(): line.get_color() for line in axes.lines}
    assert all(colors.get(text.get_text(), text.get_color()) == text.get_color() for text in axes.texts)


def test_spread_moves_as_little_as_keeps_the_gap():
    generator = np.random.default_rng(0)
    heights = sorted(generator.uniform(0, 10, 6))
    spread = figures.spread(heights, 1.0, 0.0, 12.0)
    assert np.diff(spread).min() >= 1 - 1e-9 and min(spread) >= 0 and max(spread) <= 12
    best = sum((np.array(spread) - heights) ** 2)
    for _ in range(2000):  # no other admissible places are nearer
        other = np.sort(np.array(spread) + generator.normal(0, 0.3, 6))
        if np.diff(other).min() >= 1 and other.min() >= 0 and other.max() <= 12:
            assert sum((other - heights) ** 2) >= best - 1e-9


def test_apart_already_is_left_where_it_is():
    assert figures.spread([1.0, 5.0, 9.0], 2.0, 0.0, 10.0) == [1.0, 5.0, 9.0]


def test_a_dark_page_gets_its_own_paper_and_ink_and_a_light_one_what_was_drawn():
    figure, axes = figures.panels()
    axes.text(0.5, 0.5, "on colour", color=figures.on_color(True))
    stream = io.BytesIO()
    figure.savefig(stream, format="svg")
    light, dark, after = figures.themed(stream.getvalue()).decode().partition("@media (prefers-color-scheme: dark)")
    rules, _, rest = after.partition("</style>")
    assert (light + "</style>" + rest).encode() == stream.getvalue()  # nothing else changes
    assert dark and figures.PAPER in rules and figures.INK in rules and figures.on_color(True) not in rules
