import matplotlib.pyplot as plt
import numpy as np
import pytest

from ddbook.kit import plotting

NEVER_IN_ONE_FIGURE = [
    {"exact", "limit"},
    {"random", "clean_subset"},
    {"first_order", "first_order_interval"},
    {"exact_unweighted", "zeroth_order_antithetic"},
]


def test_every_look_is_told_apart_without_colour():
    names: dict[tuple[str, str], set[str]] = {}
    for name, look in plotting._LOOKS.items():
        names.setdefault((look.marker, look.linestyle), set()).add(name)
    shared = [group for group in names.values() if len(group) > 1]
    assert all(group in NEVER_IN_ONE_FIGURE for group in shared), shared


def test_an_unknown_method_says_where_to_add_it():
    with pytest.raises(KeyError, match=r"plotting\.py"):
        plotting.look("alchemy")


def test_heatmap_writes_every_number():
    plotting.use_style()
    fig, axes = plotting.figure()
    plotting.heatmap(axes, np.array([[1e-20, 0.5]]), ["row"], ["a", "b"], "regret", (-4, 0))
    assert [text.get_text() for text in axes.texts] == ["0", "0.5"]
    plt.close(fig)


def test_heatmap_writes_a_note_under_its_number():
    fig, axes = plotting.figure()
    plotting.heatmap(axes, np.array([[0.1, 0.5]]), ["row"], ["a", "b"], "regret", (-4, 0), notes=[["at least 0.1", ""]])
    number, note, alone = axes.texts
    assert [text.get_text() for text in axes.texts] == ["0.1", "at least 0.1", "0.5"]
    assert note.get_fontsize() == 6.5
    fig.draw_without_rendering()
    assert note.get_window_extent().y1 <= number.get_window_extent().y0 + 1
    assert number.get_window_extent().y0 > alone.get_window_extent().y0
    plt.close(fig)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1e-3])
def test_heatmap_refuses_what_a_logarithm_cannot_show(value):
    fig, axes = plotting.figure()
    with pytest.raises(ValueError, match="finite numbers of 0 or more"):
        plotting.heatmap(axes, np.array([[value, 0.5]]), ["row"], ["a", "b"], "regret", (-4, 0))
    plt.close(fig)


def test_heatmap_takes_a_zero_that_rounding_made_negative():
    fig, axes = plotting.figure()
    plotting.heatmap(axes, np.array([[-1e-16]]), ["row"], ["a"], "regret", (-4, 0))
    assert axes.texts[0].get_text() == "0"
    plt.close(fig)


def test_heatmap_refuses_notes_that_do_not_fit():
    fig, axes = plotting.figure()
    with pytest.raises(ValueError, match="do not fit"):
        plotting.heatmap(axes, np.array([[0.1, 0.5]]), ["row"], ["a", "b"], "regret", (-4, 0), notes=[["one"]])
    plt.close(fig)
