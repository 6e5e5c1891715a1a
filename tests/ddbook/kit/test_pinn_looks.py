"""Styles of the PINN chapters: told apart without colour, and as elsewhere in the book."""

import pytest

from ddbook.chapters.tails.opposite.report import METHODS
from ddbook.kit import plotting
from ddbook.kit.pinn_looks import STYLES, style


def test_every_style_is_told_apart_without_colour():
    names: dict[tuple[str, str], set[str]] = {}
    for name, each in STYLES.items():
        names.setdefault((each.marker, each.linestyle), set()).add(name)
    assert [group for group in names.values() if len(group) > 1] == [{"sobol", "teacher_sobol"}]  # one design, of two chapters


def test_every_method_of_the_tables_has_a_style_and_shared_ones_are_the_books():
    assert set(METHODS) <= set(STYLES)
    for method in ("random", "unrolled", "gradient_matching"):
        assert style(method)["color"] == plotting.look(method)["color"]
    with pytest.raises(KeyError, match=r"looks\.py"):
        style("alchemy")
