"""One colour, marker, line and name for each method in the whole book."""

import itertools

import pandas as pd
import pytest

from ddbook.chapters.digits import experiment as digits
from ddbook.chapters.tails.opposite import price_figures
from ddbook.chapters.tails.opposite import report as opposite
from ddbook.chapters.tails.published import report as published
from ddbook.kit import looks
from ddbook.press.project import REFERENCE, project_root

NOT_DRAWN = {"clouds.csv", "methods.csv"}  # tables of a page, with names instead of methods
YARDSTICKS = {"cramer_rao", "clean_expected", "clean_expected_finite", "bound", "floor"}


def methods():
    """The methods that each chapter's recorded tables name, their noise-blind rows among the others."""
    named = {}
    for path in sorted((project_root() / REFERENCE).glob("*/results/*.csv")):
        columns = pd.read_csv(path, nrows=0).columns
        if "method" in columns and path.name not in NOT_DRAWN:
            named.setdefault(path.parts[-3], set()).update(pd.read_csv(path).method)
    return named


CHAPTERS = methods()


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_method_of_a_table_has_a_look(chapter):
    for method in CHAPTERS[chapter]:
        assert looks.look(method)["label"]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_what_one_chapter_draws_is_told_apart_without_colour(chapter):
    drawn = {looks.known(method) for method in CHAPTERS[chapter]} - YARDSTICKS
    for one, other in itertools.combinations(sorted(drawn), 2):
        own, its = looks.LOOKS[one], looks.LOOKS[other]
        assert (own.marker, own.linestyle) != (its.marker, its.linestyle), (one, other)


def test_single_marks_of_one_figure_differ_in_their_shape():
    assert len({looks.LOOKS[method].marker for method in digits.METHODS if method != "random"}) == len(digits.METHODS) - 1
    assert len({looks.LOOKS[method].marker for method, _ in price_figures.DRAWN}) == len(price_figures.DRAWN)


def test_yardsticks_are_told_apart():
    assert len({looks.LOOKS[name][:3] for name in YARDSTICKS}) == len(YARDSTICKS)


def test_no_two_methods_share_a_name():
    names = [own.label for own in looks.LOOKS.values()]
    assert len(set(names)) == len(names)


def test_the_parts_of_the_table_share_no_method():
    assert len(looks.LOOKS) == sum(map(len, (looks._BOOK, looks._MERGE, looks._FOUR, looks._TAILS)))


@pytest.mark.parametrize("report", [published, opposite])
def test_a_chapter_adds_to_a_name_and_never_replaces_it(report):
    for method in report.METHODS:
        assert looks.label(method) in report.called(method)


def test_rows_that_ignore_the_noise_are_drawn_open_in_the_colour_of_their_method():
    blind, own = looks.look("federated_noisy"), looks.look("federated")
    assert blind["color"] == own["color"] and blind["label"] != own["label"]
    assert blind["markerfacecolor"] == "white"


def test_an_unknown_method_says_where_to_add_it():
    with pytest.raises(KeyError, match=r"ddbook/kit/looks\.py"):
        looks.look("alchemy")
