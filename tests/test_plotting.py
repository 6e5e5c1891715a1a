import matplotlib.pyplot as plt
import numpy as np
import pytest

from ddlib import plotting


def test_every_look_is_told_apart_without_colour():
    looks = [tuple(look) for look in plotting._LOOKS.values()]
    assert len({look[1:3] for look in looks}) >= len(looks) - 3  # shared only by a limit and its twin in another chapter


def test_an_unknown_method_says_where_to_add_it():
    with pytest.raises(KeyError, match=r"plotting\.py"):
        plotting.look("alchemy")


def test_heatmap_writes_every_number():
    plotting.use_style()
    fig, axes = plotting.figure()
    plotting.heatmap(axes, np.array([[1e-20, 0.5]]), ["row"], ["a", "b"], "regret", (-4, 0))
    assert [text.get_text() for text in axes.texts] == ["0", "0.5"]
    plt.close(fig)
