"""The theorem in two dimensions, the weights of a single point, and the pictures of the chapter."""

import math

import matplotlib.pyplot as plt
import pytest
import torch

from ddbook.chapters.one_dataset import family, figures, theorem, weights
from ddbook.kit.figures import use_style
from ddlib import datasets
from ddlib.distilled import Distilled
from ddlib.lens import relative_regret
from ddlib.tasks import LogisticTask, RidgeTask, as_data
from tests.ddbook.chapters.one_dataset.ridges import tables
from tests.ddlib.worlds import random_data

TURNING = theorem.turning(datasets.diabetes())


def test_one_point_reaches_one_line_and_two_points_all_solutions():
    across = torch.stack([-TURNING.direction[1], TURNING.direction[0]])
    assert (TURNING.from_one @ across).abs().max() < 1e-12
    assert TURNING.error_of_two < 1e-12
    assert len(TURNING.solutions) > TURNING.solutions.shape[1]  # more tasks than columns, and two points serve them


def test_what_the_best_line_misses_is_the_bound():
    units = TURNING.solutions / TURNING.solutions.norm(dim=-1, keepdim=True)
    angles = torch.linspace(0, math.pi, 20_001, dtype=torch.float64)
    lines = torch.stack([angles.cos(), angles.sin()])
    missed = (1 - (units @ lines).square()).mean(0).sqrt()
    assert missed.min().item() == pytest.approx(TURNING.bound, abs=1e-6)
    assert (lines[:, missed.argmin()] @ TURNING.best).abs().item() == pytest.approx(1, abs=1e-6)
    assert TURNING.error_of_one > TURNING.bound


def test_as_many_points_as_columns_serve_more_penalties_than_columns_and_fewer_do_not():
    data = random_data(1, d=4)
    many = RidgeTask(data, penalties=tuple(10.0**k for k in (-1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0)))
    errors = [many.parameter_error(many.fit(many.construct(m))).item() for m in (3, 4)]
    assert errors[0] > 1e-6
    assert errors[1] < 1e-10


def one_point(task, penalty):
    """The least relative regret over points of weight one along the solution, by a fine grid of lengths."""
    own = LogisticTask(task.data, penalty=penalty)
    solution = own.reference.flatten()
    lengths = torch.logspace(-3, 3, 600, dtype=torch.float64) / solution.norm()
    x = (lengths[:, None] * solution)[:, None, :]
    y = own.construct(1).y.expand(len(lengths), 1)
    many = LogisticTask(task.data, len(lengths), penalty=penalty)
    return relative_regret(many, Distilled(x, y, torch.ones_like(y))).min().item()


def test_a_point_of_weight_one_serves_below_and_above_two_penalties_and_not_between():
    """θ is that of the penalty in question: with one θ for all penalties there would be no upper end."""
    task = LogisticTask(random_data(0))
    low, high = weights.unit_weight_penalties(task)
    for penalty in (low, high):
        assert weights.pull(task, penalty) == pytest.approx(weights.MARGIN, rel=1e-6)
    for penalty in (low / 3, high * 3):
        assert one_point(task, penalty) < 1e-4
    assert one_point(task, math.sqrt(low * high)) > 1e-2


def test_the_margin_is_the_most_that_a_point_of_weight_one_can_pull():
    u = torch.linspace(0, 5, 500_001, dtype=torch.float64)
    assert (u * torch.sigmoid(-u)).max().item() == pytest.approx(weights.MARGIN, abs=1e-9)


def test_labels_without_anything_to_learn_have_no_such_penalties():
    data = as_data(torch.tensor([[1.0], [1.0]], dtype=torch.float64), torch.tensor([0.0, 1.0], dtype=torch.float64))
    with pytest.raises(ValueError, match="at every penalty"):
        weights.unit_weight_penalties(LogisticTask(data))


def test_the_pictures_show_at_most_five_series_and_no_small_letters():
    use_style()
    curves, descents, limits = tables()
    drawn = [
        figures.draw_theorem(TURNING),
        figures.draw_errors(curves, limits, [1]),
        figures.draw_effort(descents[descents.budget == 2], [("exact", 1e-3), ("lower bound", 0.0)]),
    ]
    for figure in drawn:
        for axes in figure.axes:
            assert len({line.get_color() for line in axes.lines}) <= 5
            assert min(text.get_fontsize() for text in [*axes.texts, *axes.get_xticklabels()]) >= 8
    errors = drawn[1].axes
    assert {text.get_text() for text in errors[1].texts} == {
        "Krylov points",
        "low-rank rows",
        "first-order",
        "exact, best m of 4",
        "lower bound",
    }
    hollow = [line for line in errors[0].lines if line.get_markerfacecolor() == "white"]
    assert [list(line.get_xdata()) for line in hollow] == [[2, 3, 4]]
    plt.close("all")


def test_the_full_length_is_among_the_lengths_that_are_run():
    assert family.lengths(8000)[-1] == 8000
    assert family.lengths(1) == [1]
