import matplotlib.pyplot as plt
import numpy as np
import pytest

from ddbook.kit import figures
from ddbook.kit.heatmap import heatmap


def test_heatmap_writes_every_number():
    figures.use_style()
    fig, axes = figures.panels()
    heatmap(axes, np.array([[1e-20, 0.5]]), ["row"], ["a", "b"], "regret", (-4, 0))
    assert [text.get_text() for text in axes.texts] == ["0", "0.5"]
    plt.close(fig)


def test_heatmap_writes_a_note_under_its_number():
    fig, axes = figures.panels()
    heatmap(axes, np.array([[0.1, 0.5]]), ["row"], ["a", "b"], "regret", (-4, 0), notes=[["at least 0.1", ""]])
    number, note, alone = axes.texts
    assert [text.get_text() for text in axes.texts] == ["0.1", "at least 0.1", "0.5"]
    assert note.get_fontsize() == 6.5
    fig.draw_without_rendering()
    assert note.get_window_extent().y1 <= number.get_window_extent().y0 + 1
    assert number.get_window_extent().y0 > alone.get_window_extent().y0
    plt.close(fig)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1e-3])
def test_heatmap_refuses_what_a_logarithm_cannot_show(value):
    fig, axes = figures.panels()
    with pytest.raises(ValueError, match="finite numbers of 0 or more"):
        heatmap(axes, np.array([[value, 0.5]]), ["row"], ["a", "b"], "regret", (-4, 0))
    plt.close(fig)


def test_heatmap_takes_a_zero_that_rounding_made_negative():
    fig, axes = figures.panels()
    heatmap(axes, np.array([[-1e-16]]), ["row"], ["a"], "regret", (-4, 0))
    assert axes.texts[0].get_text() == "0"
    plt.close(fig)


def test_heatmap_refuses_notes_that_do_not_fit():
    fig, axes = figures.panels()
    with pytest.raises(ValueError, match="do not fit"):
        heatmap(axes, np.array([[0.1, 0.5]]), ["row"], ["a", "b"], "regret", (-4, 0), notes=[["one"]])
    plt.close(fig)
