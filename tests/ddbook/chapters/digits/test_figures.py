import itertools

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch

from ddbook.chapters.digits import figures
from ddbook.chapters.digits.experiment import METHODS, OWN, Digits
from ddbook.chapters.digits.intervals import METHODS as INTERVAL_METHODS
from ddbook.chapters.digits.report import with_efficiency
from ddbook.kit import looks
from ddbook.kit.figures import use_style
from ddlib.problem import Distilled
from ddlib.trial import given

mpl.use("Agg")
LEARNERS = ["kernel ridge, RBF", "network, Adam", "logistic", "1-NN"]
BUDGETS = [10, 50]


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


def risks(method, budget, learner):
    """All the data: 0.1; random rows: 0.5; other methods in between, each a little different."""
    if method in ("full", "random"):
        return {"full": 0.1, "random": 0.5}[method]
    return 0.15 + 0.01 * METHODS.index(method) + 0.002 * LEARNERS.index(learner) + 0.05 * (budget == 10)


def transferred(seeds=2, changed=None):
    """A table as transfer_table makes it; ``changed`` maps a row's method, budget, learner and seed to a risk, or to None."""
    rows = []
    sets = [*itertools.product(METHODS, BUDGETS), ("full", 900)]
    for (method, budget), learner, seed in itertools.product(sets, LEARNERS, range(seeds)):
        risk = changed(method, budget, learner, seed) if changed else None
        row = {"method": method, "budget": budget, "made_for": "", "learner": learner, "seed": seed}
        risk = risks(method, budget, learner) + 0.01 * seed if risk is None else risk
        rows.append(row | {"risk": risk, "stored_numbers": 1, "seconds": 1.0})
    return with_efficiency(pd.DataFrame(rows))


def labels(methods):
    return [looks.look(method)["label"] for method in methods]


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def points(axes, method):
    """Where a method's marker is."""
    (line,) = [line for line in axes.lines if line.get_label() == looks.look(method)["label"]]
    return float(line.get_xdata()[0]), float(line.get_ydata()[0])


def seen(axes, x, y):
    """Whether a point lies within the limits."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    return left <= x <= right and bottom <= y <= top


class TestMatrix:
    def test_says_every_accuracy_with_half_its_interval(self):
        table = transferred(2)
        figure = figures.draw_matrix(table, BUDGETS, METHODS, LEARNERS)
        assert [axes.get_title("left") for axes in figure.axes] == ["10 points", "50 points"]
        for axes, budget in zip(figure.axes, BUDGETS, strict=True):
            assert [tick.get_text() for tick in axes.get_yticklabels()] == labels([*METHODS, "full"])
            assert [tick.get_text().replace("\n", ", ") for tick in axes.get_xticklabels()] == LEARNERS
            cells = iter(axes.texts)
            for method, learner in itertools.product([*METHODS, "full"], LEARNERS):
                mean, half = 100 * (1 - risks(method, budget, learner) - 0.005), 12.706 * 0.5  # Student's quantile, one degree
                text = next(cells).get_text()
                assert [float(part) for part in text.split(" ±")] == pytest.approx([mean, half], abs=0.051)

    def test_one_seed_has_no_interval_and_one_budget_one_panel(self):
        figure = figures.draw_matrix(transferred(1), [50], ["random", "k_means"], LEARNERS[:2])
        (axes,) = figure.axes
        assert [text.get_text() for text in axes.texts] == ["50.0", "50.0", "82.0", "81.8", "90.0", "90.0"]

    def test_the_best_set_for_each_learner_is_bold_and_so_are_those_that_tie(self):
        def tied(method, budget, learner, seed):
            if (budget, learner) == (10, "1-NN") and method in ("k_means", "unrolled"):
                return [0.06, 0.08][seed] if method == "k_means" else [0.10, 0.04][seed]
            return None

        figure = figures.draw_matrix(transferred(2, tied), [10], METHODS, LEARNERS)
        cells = dict(zip(itertools.product([*METHODS, "full"], LEARNERS), figure.axes[0].texts, strict=True))
        bold = {cell for cell, text in cells.items() if text.get_fontweight() == "bold"}
        assert bold == {("herding", learner) for learner in LEARNERS[:3]} | {("k_means", "1-NN"), ("unrolled", "1-NN")}


def made(x, y):
    return given(Distilled(x, y, torch.ones_like(y[..., 0])))


@pytest.fixture(scope="module")
def digits():
    return Digits(2, (60, 20, 20))


class TestGallery:
    def strips(self, figure):
        return [axes.images[0].get_array() for axes in figure.axes if axes.images]

    @staticmethod
    def one_of(classes, digits):
        """Points of these classes, the k-th of grey value k over their number."""
        values = torch.arange(len(classes), dtype=torch.float64) / len(classes)
        x = values[:, None].expand(2, -1, 64) - digits.mean
        return made(x, torch.eye(10, dtype=torch.float64)[torch.tensor(classes)].expand(2, -1, -1))

    def shown(self, strip):
        """The grey value of each picture."""
        pictures = [strip[:, 9 * k : 9 * k + 8] for k in range((strip.shape[1] + 1) // 9)]
        assert all(np.ptp(picture) < 1e-12 for picture in pictures) and (strip[:, 8::9] == 1).all()
        return [1 - float(picture[0, 0]) for picture in pictures]

    def test_names_every_method_and_shows_ten_images_of_each(self, digits):
        rows = digits.tasks["1-NN"].start(10, digits.generator(1))
        sets = {(method, 10): made(rows.x, rows.y) for method in METHODS}
        figure = figures.draw_gallery(digits, sets, METHODS, 10)
        titles = [axes.get_title("left") for axes in figure.axes if axes.images]
        assert sorted(titles) == sorted(labels(METHODS))
        order = rows.y[0].argmax(-1).argsort()
        for strip in self.strips(figure):
            for k, image in enumerate(rows.x[0, order] + digits.mean[0]):
                np.testing.assert_allclose(1 - strip[:, 9 * k : 9 * k + 8], image.reshape(8, 8), atol=1e-12)

    def test_points_beyond_black_and_white_are_cut_off(self, digits):
        x = torch.tensor([-3.0, 5.0]).double().repeat(5)[:, None].expand(2, -1, 64)
        figure = figures.draw_gallery(
            digits, {("unrolled", 10): made(x, torch.eye(10).double().expand(2, -1, -1))}, ["unrolled"], 10
        )
        assert self.shown(self.strips(figure)[0]) == [0.0, 1.0] * 5

    def test_images_are_ordered_by_class(self, digits):
        classes = [4, 0, 4, 1, 9, 9, 2, 9, 0, 7]  # as learned labels may be
        figure = figures.draw_gallery(digits, {("unrolled", 10): self.one_of(classes, digits)}, ["unrolled"], 10)
        assert self.shown(self.strips(figure)[0]) == pytest.approx([k / 10 for k in (1, 8, 3, 6, 0, 2, 9, 4, 5, 7)])

    @pytest.mark.parametrize("copies", [2, 3])
    def test_of_more_than_ten_points_every_class_is_shown(self, digits, copies):
        classes = [label for label in range(10) for _ in range(copies)]
        sets = {("random", len(classes)): self.one_of(classes, digits)}
        figure = figures.draw_gallery(digits, sets, ["random"], len(classes))
        assert self.shown(self.strips(figure)[0]) == pytest.approx([k / 10 for k in range(10)])


class TestTransfer:
    def test_shows_the_mean_efficiency_at_home_and_abroad_of_every_method(self):
        methods = [method for method in METHODS if method != "random"]
        table = transferred(3)
        figure = figures.draw_transfer(table, BUDGETS, methods, OWN)
        assert legend(figure) == labels(methods)
        assert [axes.get_title("left") for axes in figure.axes] == ["10 points", "50 points"]
        for axes, budget in zip(figure.axes, BUDGETS, strict=True):
            for method in methods:
                gain = {learner: 100 * (0.5 - risks(method, budget, learner)) / 0.4 for learner in LEARNERS}
                home = gain.pop(OWN[method])
                assert points(axes, method) == pytest.approx((home, np.mean(list(gain.values()))))
                assert seen(axes, *points(axes, method))

    def test_a_set_that_beats_all_the_data_is_within_the_picture(self):
        table = transferred(2, lambda method, budget, learner, seed: 0.02 if (method, budget) == ("k_means", 50) else None)
        figure = figures.draw_transfer(table, BUDGETS, ["herding", "k_means"], OWN)
        few, many = figure.axes
        assert points(many, "k_means") == pytest.approx((121.25, 121.25)) and seen(many, *points(many, "k_means"))
        assert few.get_xlim()[1] == 104

    def test_a_set_that_is_worse_than_random_rows_is_within_the_picture(self):
        table = transferred(1, lambda method, budget, learner, seed: 0.8 if method == "unrolled" else None)
        (axes,) = figures.draw_transfer(table, [50], ["herding", "unrolled"], OWN).axes
        assert points(axes, "unrolled") == pytest.approx((-75, -75)) and seen(axes, -75, -75)

    def test_where_random_rows_do_as_well_as_all_the_data_there_is_no_marker_but_a_name(self):
        easy = transferred(2, lambda method, budget, learner, seed: 0.1 if learner == "logistic" and budget == 10 else None)
        figure = figures.draw_transfer(easy, BUDGETS, ["k_means", "implicit"], OWN)  # implicit is made for logistic regression
        few, many = figure.axes
        assert np.isnan(points(few, "implicit")[0]) and np.isfinite(points(few, "implicit")[1])
        assert np.isfinite([*points(few, "k_means"), *points(many, "implicit")]).all()
        assert legend(figure) == labels(["k_means", "implicit"])

    def test_no_efficiency_at_all_can_be_drawn_too(self):
        hopeless = transferred(2, lambda *row: 0.1)
        (axes,) = figures.draw_transfer(hopeless, [10], ["k_means", "implicit"], OWN).axes
        assert np.isnan(points(axes, "k_means")).all() and np.isfinite([*axes.get_xlim(), *axes.get_ylim()]).all()

    def test_a_method_that_is_not_in_the_table_is_refused(self):
        table = transferred(1)
        with pytest.raises(ValueError, match="at least one value"):
            figures.draw_transfer(table[table.method != "implicit"], [10], ["k_means", "implicit"], OWN)
        plt.close("all")


@pytest.mark.parametrize("seeds", [1, 3])
def test_the_trap_shows_both_accuracies_of_both_starts(seeds):
    worse = {("warm", 0.05): 0.0, ("warm", 0.2): 0.1, ("cold", 0.05): 0.2, ("cold", 0.2): 0.3}
    rows = [
        {"start": start, "step_size": size, "step": step, "seed": seed}
        | {"inside": 0.5 + 0.01 * (step + seed) + shift, "retrained": 0.3 + shift}
        for ((start, size), shift), step, seed in itertools.product(worse.items(), (10, 0, 5), range(seeds))
    ]
    figure = figures.draw_trap(pd.DataFrame(rows))
    kinds = [
        f"{kind}, step size {size}"
        for size in (0.05, 0.2)
        for kind in ("retrained from fresh seeds", "the network inside the loop")
    ]
    assert legend(figure) == kinds
    for axes, start in zip(figure.axes, ("warm", "cold"), strict=True):
        assert f"{start} start" in axes.get_title("left") and axes.get_ylim() == (0, 100)
        for lines, size in ((axes.lines[:2], 0.05), (axes.lines[2:], 0.2)):
            retrained, inside = lines
            assert inside.get_xdata().tolist() == retrained.get_xdata().tolist() == [0, 5, 10]
            middle = 50 + 100 * worse[start, size] + (seeds - 1) / 2
            np.testing.assert_allclose(inside.get_ydata(), [middle, middle + 5, middle + 10])
            np.testing.assert_allclose(retrained.get_ydata(), 30 + 100 * worse[start, size])


def compared(seeds):
    """A table of the interval task: means of error, coverage and score that tell the methods apart."""
    rows = []
    for place, method in enumerate(INTERVAL_METHODS):
        for budget in {"full": [300], "exact": [12], "exact_unweighted": [12]}.get(method, [6, 8]):
            for seed in range(seeds):
                spread = 0.01 * (seed - (seeds - 1) / 2)
                row = {"method": method, "budget": budget, "seed": seed, "rmse": 1 + 0.1 * place + 0.001 * budget + spread}
                rows.append(row | {"coverage": 0.9 - 0.05 * place + spread, "score": 3.0 + place + spread})
    return pd.DataFrame(rows)


@pytest.mark.parametrize("seeds", [1, 4])
def test_intervals_show_coverage_and_score_of_every_method_at_one_budget(seeds):
    figure = figures.draw_intervals(compared(seeds), 8, INTERVAL_METHODS, 0.8)
    assert legend(figure) == labels(INTERVAL_METHODS)
    left, right = figure.axes
    for place, method in enumerate(INTERVAL_METHODS):
        budget = {"full": 300, "exact": 12, "exact_unweighted": 12}.get(method, 8)
        error = 1 + 0.1 * place + 0.001 * budget
        assert points(left, method) == pytest.approx((error, 90 - 5 * place))
        assert points(right, method) == pytest.approx((error, 3 + place))
    assert 80 in [line.get_ydata()[0] for line in left.lines if line.get_linestyle() == ":"]
    bars = sum(len(line.get_xdata()) == 2 for line in right.lines)
    assert bars == (0 if seeds == 1 else 2 * len(INTERVAL_METHODS))


def test_a_method_is_called_by_its_look():
    assert [figures.label(method) for method in METHODS] == labels(METHODS)
    with pytest.raises(KeyError, match="no look for the method 'alchemy'"):
        figures.label("alchemy")
