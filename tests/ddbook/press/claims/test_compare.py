"""A planted deviation from the reference is found, and nothing else is."""

import pytest

from ddbook.press.claims import Results
from ddbook.press.claims.compare import compare, compare_all
from ddbook.press.claims.results import Missing
from tests.ddbook.press.claims.world import CHAPTER, finished_run, number

NUMBERS = {
    "error": number(0.50, 0.45, 0.55, 10),
    "exact": number(1.25),
    "seconds": number(3.0, unit="s"),
    "count": number(7, n=10),
}


def relations(tmp_path, here, parameters=None):
    finished_run(tmp_path / "runs", {}, here, **(parameters or {}))
    finished_run(tmp_path / "reference", {}, NUMBERS)
    found = compare(CHAPTER, Results(tmp_path / "runs", "the run"), Results(tmp_path / "reference", "the reference"))
    return found[0], {each.key.partition(".")[2]: each.relation for each in found[1]}


def test_the_same_numbers_agree(tmp_path):
    parameters, found = relations(tmp_path, NUMBERS)
    assert parameters == []
    assert found == {"error": "agrees", "exact": "agrees", "seconds": "a time", "count": "agrees"}


@pytest.mark.parametrize(
    ("name", "planted", "relation"),
    [
        ("error", number(0.58, 0.54, 0.62, 10), "intervals overlap"),
        ("error", number(0.51, 0.49, 0.53, 10), "intervals overlap"),  # near, but the reference's own interval is wide
        ("error", number(0.27, 0.03, 0.51, 3), "intervals overlap"),
        ("error", number(0.60, 0.56, 0.64, 10), "differs"),
        ("error", number(0.60, n=3), "no interval"),
        ("exact", number(1.25 + 1e-9), "agrees"),
        ("exact", number(1.26), "differs"),
        ("count", number(8, n=10), "no interval"),
        ("seconds", number(300.0, unit="s"), "a time"),
    ],
)
def test_a_planted_deviation(tmp_path, name, planted, relation):
    _, found = relations(tmp_path, NUMBERS | {name: planted})
    assert found[name] == relation
    assert [other for other, how in found.items() if how == "differs" and other != name] == []


def test_an_exact_number_may_differ_where_parameters_do(tmp_path):
    parameters, found = relations(tmp_path, NUMBERS | {"exact": number(2.0)}, {"replicates": 5})
    assert [(each.name, each.here, each.there) for each in parameters] == [("replicates", 5, 3)]
    assert found["exact"] == "no interval"


def test_what_only_one_has_is_said(tmp_path):
    _, found = relations(tmp_path, {key: value for key, value in NUMBERS.items() if key != "count"} | {"new": number(1.0)})
    assert (found["count"], found["new"]) == ("only there", "only here")


def test_runs_without_a_chapter_in_common_cannot_be_compared(tmp_path):
    finished_run(tmp_path / "runs", {})
    with pytest.raises(Missing, match="no chapter in common"):
        compare_all(Results(tmp_path / "runs", "the run"), Results(tmp_path / "nowhere", "the reference"))


@pytest.mark.parametrize(("value", "relation"), [(1.03, "agrees"), (0.97, "agrees"), (1.08, "intervals overlap"), (1.3, "differs")])
def test_numbers_agree_if_their_difference_is_small_with_its_whole_interval(tmp_path, value, relation):
    finished_run(tmp_path / "runs", {}, {"error": number(value, value - 0.05, value + 0.05, 10)})
    finished_run(tmp_path / "reference", {}, {"error": number(1.0, 0.97, 1.04, 10)})
    _, (found,) = compare(CHAPTER, Results(tmp_path / "runs", "the run"), Results(tmp_path / "reference", "the reference"))
    assert found.relation == relation
