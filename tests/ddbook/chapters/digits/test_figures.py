import itertools

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch

from ddbook.chapters.digits import figures, intervals, report
from ddbook.chapters.digits.experiment import Digits
from ddbook.kit.figures import use_style
from ddbook.kit.looks import color, label
from ddlib.problem import Distilled
from ddlib.trial import given
from tests.ddbook.chapters.digits.tables import BUDGETS, LEARNERS, METHODS, judged

mpl.use("Agg")
OWN = {"kernel_inducing_labels": LEARNERS[0], "unrolled": LEARNERS[1]}


@pytest.fixture(autouse=True)
def drawn():
    """In the book's style every test makes one figure at the most, which can be drawn; none is left behind."""
    plt.close("all")
    with mpl.rc_context():
        use_style()
        yield
        assert len(plt.get_fignums()) <= 1
        for number in plt.get_fignums():
            plt.figure(number).canvas.draw()
            plt.close(number)
    assert not plt.get_fignums()


@pytest.fixture(scope="module")
def found():
    return report.differences(judged(), BUDGETS, METHODS, LEARNERS)


def titles(figure):
    return [axes.get_title("left") for axes in figure.axes]


def test_transfer_is_a_dot_for_each_learner_and_a_panel_for_each_method():
    table = report.transfer(judged(), BUDGETS, [*OWN], OWN)
    figure = figures.draw_transfer(table, 10, [*OWN], LEARNERS)
    assert [title.replace("\n", " ") for title in titles(figure)] == [label(method) for method in OWN]
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == LEARNERS
    for axes, method in zip(figure.axes, OWN, strict=True):
        rows = table[(table.budget == 10) & (table.method == method)].set_index("learner")
        dots = {line.get_gid(): line for line in axes.lines if line.get_gid() in LEARNERS}
        assert set(dots) == set(LEARNERS)
        for learner, dot in dots.items():
            assert dot.get_xdata()[0] == pytest.approx(100 * rows.value[learner]) and dot.get_color() == color(method)
            assert (dot.get_marker() == "s") == (learner == OWN[method])
            assert (dot.get_markerfacecolor() != "white") == rows.settled[learner]


class TestDifferences:
    def dots(self, axes):
        return {line.get_gid(): line for line in axes.lines if line.get_gid() in METHODS}

    def test_are_a_dot_for_each_method_and_a_panel_for_each_learner(self, found):
        figure = figures.draw_differences(found, 10, METHODS, LEARNERS)
        assert [title.replace("\n", " ") for title in titles(figure)] == LEARNERS
        assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == [label(method) for method in METHODS]
        for axes, learner in zip(figure.axes, LEARNERS, strict=True):
            rows = found[(found.budget == 10) & (found.learner == learner)].set_index("method")
            dots = self.dots(axes)
            assert set(dots) == set(METHODS)
            for method, dot in dots.items():
                assert dot.get_xdata()[0] == pytest.approx(100 * rows.difference[method])
                assert (dot.get_markerfacecolor() == "white") != rows.tied[method]

    def test_a_method_at_home_is_a_square(self, found):
        figure = figures.draw_differences(found, 10, METHODS, LEARNERS)
        squares = {(m, at) for at, axes in enumerate(figure.axes) for m, dot in self.dots(axes).items() if dot.get_marker() == "s"}
        assert squares == {("kernel_inducing_labels", 0), ("kernel_inducing", 0), ("solved_labels", 0), ("unrolled", 1)}


def test_labels_are_slopes_from_those_of_the_rows_to_those_solved_for():
    names = ["random", "k_means", "kernel_inducing", "solved_labels_random", "solved_labels", "kernel_inducing_labels"]
    counts = {(name, budget): (20 + 2 * place,) * 3 for place, name in enumerate(names) for budget in BUDGETS}
    table = report.differences(judged(counts | {("full", 900): (39,) * 3}), BUDGETS, names, LEARNERS)
    figure = figures.draw_labels(table, BUDGETS, LEARNERS[0], 0.95)
    for axes in figure.axes:
        lines = {line.get_label(): line.get_ydata() for line in axes.lines if len(line.get_ydata()) == 2}
        expected = {"random rows": (19, 25), "k-means points": (21, 27), "points learned": (23, 29)}
        for name, ends in expected.items():
            np.testing.assert_allclose(lines[name], [100 * end / 40 for end in ends])
        assert any(set(line.get_ydata()) == {95.0} for line in axes.lines)


@pytest.fixture(scope="module")
def digits():
    return Digits(2, (60, 20))


class TestGallery:
    def strips(self, figure):
        return [axes.images[0].get_array() for axes in figure.axes if axes.images]

    def test_shows_the_images_and_beside_them_what_changed(self, digits):
        rows = digits.tasks["1-NN"].start(10, digits.generator(1))
        moved = rows._replace(x=rows.x + 0.25)
        figure = figures.draw_gallery(digits, {("k_means", 10): given(rows), ("unrolled", 10): given(moved)}, ["unrolled"], 10)
        begun, none, images, change = self.strips(figure)
        assert not none.any()
        order = rows.y[0].argmax(-1).argsort()
        for place, image in enumerate(rows.x[0, order] + digits.mean[0]):
            own = slice(9 * place, 9 * place + 8)
            np.testing.assert_allclose(1 - begun[:, own], image.reshape(8, 8), atol=1e-12)
            np.testing.assert_allclose(1 - images[:, own], (image + 0.25).clamp(0, 1).reshape(8, 8), atol=1e-12)
            np.testing.assert_allclose(change[:, own], 0.25, atol=1e-12)
        assert "0.25" in [axes.get_ylabel() for axes in figure.axes]

    @pytest.mark.parametrize("copies", [2, 3])
    def test_of_more_than_ten_points_every_class_is_shown(self, digits, copies):
        classes = torch.arange(10).repeat_interleave(copies)
        x = (classes / 10).double()[None, :, None].expand(2, -1, 64) - digits.mean
        y = torch.eye(10).double()[classes].expand(2, -1, -1)
        sets = {("k_means", len(classes)): given(Distilled(x, y, torch.ones_like(y[..., 0])))}
        strip, _ = self.strips(figures.draw_gallery(digits, sets, [], len(classes)))
        assert [1 - strip[0, 9 * k] for k in range(10)] == pytest.approx([k / 10 for k in range(10)])


@pytest.mark.parametrize("seeds", [2, 3])
def test_the_trap_shows_every_arm_at_every_step_size(seeds):
    worse = {"warm": 0.0, "cold": 0.2, "cold_long": 0.3}
    rows = [
        {"arm": arm, "step_size": size, "step": step, "seed": seed}
        | {"inside": 0.5 + 0.01 * (step + seed) + shift, "retrained": 0.3 + shift}
        for (arm, shift), size, step, seed in itertools.product(worse.items(), (0.1, 0.2), (10, 0, 5), range(seeds))
    ]
    figure = figures.draw_trap(pd.DataFrame(rows))
    assert titles(figure) == ["step size 0.1", "step size 0.2"]
    for axes in figure.axes:
        inside, *retrained = axes.lines
        assert all(line.get_xdata().tolist() == [0, 5, 10] for line in axes.lines)
        np.testing.assert_allclose(inside.get_ydata(), 50 + np.array([0, 5, 10]) + (seeds - 1) / 2)
        for line, shift in zip(retrained, worse.values(), strict=True):
            np.testing.assert_allclose(line.get_ydata(), 30 + 100 * shift)


def test_intervals_are_lines_over_the_labels_and_those_that_miss_are_counted_out():
    task = intervals.tasks(2, torch.Generator().manual_seed(0))["interval"]
    few = task.start(4, torch.Generator().manual_seed(1))
    figure = figures.draw_intervals(task, {"all, of them": task.train, "four": few}, every=2)
    for axes, data in zip(figure.axes, (task.train, few), strict=True):
        low, high = (end[0] for end in task.learner.interval(task.fit(data), task.splits.test.x, 0.9))
        inside = int(((low <= task.splits.test.y[0]) & (task.splits.test.y[0] <= high)).sum())
        assert f"{inside} of 100 are right" in axes.get_title("left")
        segments = [segment for lines in axes.collections for segment in lines.get_segments()]
        assert len(segments) == 50 == sum(len(line.get_xdata()) for line in axes.lines)
        hits = axes.collections[0].get_segments()
        values = dict(zip(axes.lines[0].get_xdata(), axes.lines[0].get_ydata(), strict=True))
        assert all(segment[0][1] <= values[segment[0][0]] <= segment[1][1] for segment in hits)
