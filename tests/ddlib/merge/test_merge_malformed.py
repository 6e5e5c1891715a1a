"""Whatever tables it is given, the tool gives a valid result or says in a sentence of its own why not, and writes nothing."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddlib.merge import TableError, merge
from tests.ddlib.merge.damaged_tables import ANY, damaged, often, plain

GOOD = st.fixed_dictionaries(
    {"rows": st.sampled_from([1, 2, 9])},
    optional={
        "noise": st.sampled_from([None, {}, {"a": 0.1}, {"table 0": {"a": 0.01}}, {"b": 3}]),
        "visits": st.sampled_from(["auto", "values", "order"]),
        "drop": st.sampled_from([(), ["a"]]),
    },
)
BAD = st.fixed_dictionaries(
    {},
    optional={
        "rows": st.sampled_from([0, -1, 1, 2, 2.0, None, "3", True, 10**12]),
        "noise": st.sampled_from(
            [{"a": -1}, {"q": 1}, {"a": "x"}, 3, {"a": np.nan}, {3: {3: 3}}, {"a": True}, {"table 0": {"q": 1}}]
        ),
        "weights": st.booleans(),
        "visits": st.sampled_from(["auto", "order", "dates", None]),
        "drop": st.sampled_from([["q"], "b", ["patient"], [None]]),
        "seed": st.sampled_from([0, 1, -1, None]),
    },
)


@pytest.fixture(scope="module", autouse=True)
def empty_folder(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("empty"))
        yield


def check(tables, options):
    try:
        found = merge(tables, id="patient", time="visit", iterations=4, **options)
    except TableError as error:
        text = str(error)
        assert text and "\n" not in text and len(text) < 600
        return
    finally:
        assert not list(Path.cwd().iterdir())
    columns, visits = list(found.columns), found.report["visits"]["number"]
    assert list(found.table.columns)[: 2 + len(columns)] == ["patient", "visit", *columns]
    assert np.isfinite(found.table[columns].to_numpy(float)).all()
    assert len(found.table) == options.get("rows", 100) * visits
    assert visits >= 1 and not found.table.duplicated(["patient", "visit"]).any()


@often(120)
@given(damaged(), GOOD)
def test_damaged_tables(tables, options):
    check(tables, options)


@often(80)
@given(st.lists(ANY, min_size=2, max_size=3), GOOD)
def test_random_tables(tables, options):
    check(tables, options)


@often(30)
@given(plain(), BAD)
def test_odd_options(tables, options):
    check(tables, options)


@often(40)
@given(st.one_of(st.none(), st.integers(), st.text(), st.lists(st.one_of(st.none(), st.integers(), st.text()), max_size=3)))
def test_no_tables_at_all(tables):
    check(tables, {})
