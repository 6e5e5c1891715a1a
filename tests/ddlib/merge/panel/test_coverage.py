"""What was measured together: counted, and named by pair and lag."""

import numpy as np
import pytest
import torch

from ddlib.merge.panel import read_panel
from ddlib.merge.together import counts, in_words, measured_entries, never_measured, summary, unmeasured
from tests.ddlib.merge.hospital_tables import hospitals, network, records, table


def panel_of(change, visits=2, patients=20, names=("A", "B")):
    """Hospitals with columns a, b and c of which `change` hides cells."""
    tables = {}
    for k, name in enumerate(names):
        frame = table(records(network(3, seed=1), patients, visits, seed=k), columns=("a", "b", "c"))
        tables[name] = change(frame, name)
    return read_panel(tables, "patient", "visit")


def hidden(**where):
    """Columns hidden by hospital, each at some visits: `hidden(A={"a": [1]})`."""

    def change(frame, name):
        for column, visits in where.get(name, {}).items():
            frame.loc[frame.visit.isin(visits), column] = np.nan
        return frame

    return change


def said(panel):
    return [in_words(panel, item) for item in unmeasured(panel)]


def test_the_pair_and_the_lag_are_named():
    panel = panel_of(hidden(A={"a": [1]}, B={"b": [2]}))
    assert said(panel) == ["'a' at visit 1 with 'b' at visit 2"]
    assert summary(panel, unmeasured(panel)) == "'a' at visit 1 with 'b' at visit 2"
    assert never_measured(panel) == []


@pytest.mark.parametrize(
    ("where", "visits", "words"),
    [
        ({}, 3, []),
        ({"A": {"a": [1, 2, 3]}, "B": {"b": [1, 2, 3]}}, 3, ["'a' and 'b' at any two visits"]),
        ({"A": {"a": [1]}, "B": {"b": [1]}}, 2, ["'a' and 'b' at visit 1"]),
        ({"A": {"a": [2]}, "B": {"a": [1]}}, 2, ["'a' at visit 1 with 'a' at visit 2"]),
        ({"A": {"a": [1, 2]}, "B": {"b": [2, 3]}}, 3, ["'a' and 'b' at visit 2", "'a' with 'b' one visit later", "'a' at visit 1"]),
    ],
)
def test_all_lags_of_a_pair_are_one_statement(where, visits, words):
    panel = panel_of(hidden(**where), visits)
    found = summary(panel, unmeasured(panel))
    assert found.count(";") == max(len(words) - 1, 0)
    assert all(word in found for word in words)


def test_a_static_column_is_among_them():
    def change(frame, name):
        frame["sex"] = frame.patient % 3 if name == "A" else np.nan
        return hidden(A={"b": [1]}, B={})(frame, name)

    panel = panel_of(change)
    assert panel.static == ["sex"] and said(panel) == ["'b' at visit 1 with 'sex'"]
    panel = panel_of(lambda frame, name: hidden(A={"b": [1, 2]})(change(frame, name), name))
    assert said(panel) == ["'b' with 'sex'"]


def test_static_columns_of_two_hospitals():
    panel = panel_of(lambda frame, name: frame.assign(**{f"sex {name}": frame.patient % 3}))
    assert said(panel) == ["'sex A' with 'sex B'"]


def test_what_nobody_has_is_said_apart():
    panel = panel_of(hidden(A={"a": [2]}, B={"a": [2]}), visits=3)
    assert never_measured(panel) == [("a", (1,))] and unmeasured(panel) == []


def test_many_are_counted():
    panel = panel_of(hidden(A={"a": [1, 3]}, B={"b": [2, 4], "c": [1]}), visits=4)
    found = unmeasured(panel)
    assert summary(panel, found, most=1).endswith(f"; and {len(found) - 1} more") and len(found) > 2


def test_counts_are_those_of_patients():
    tables = hospitals(patients=30, missing=0.3)
    for frame in tables.values():
        frame["sex"] = np.random.default_rng(len(frame)).normal(size=31)[frame.patient]
    panel = read_panel(tables, "patient", "visit", join="never")
    found = counts(panel)
    entries = torch.cat([measured_entries(panel, source) for source in range(3)])
    assert entries.shape == (90, 3 * 4 + 1)
    for i in range(13):
        for j in range(13):
            assert found[i, j] == (entries[:, i] & entries[:, j]).sum()
    visit, column = 1, panel.columns.index("alt")
    measured = sum(frame.loc[frame.visit == 2, "alt"].notna().sum() for frame in tables.values() if "alt" in frame)
    assert found.diagonal()[visit * 4 + column] == measured


def test_every_lack_is_listed_and_nothing_else():
    panel = panel_of(hidden(A={"a": [1, 3], "b": [2]}, B={"b": [2, 4], "c": [1]}), visits=4)
    found, width = counts(panel), len(panel.columns)
    listed = {
        frozenset([t * width + item.first, (t + item.lag) * width + item.second]) for item in unmeasured(panel) for t in item.visits
    }
    seen = found.diagonal() > 0
    lacking = ((found == 0) & seen & seen[:, None]).nonzero().tolist()
    assert listed == {frozenset(pair) for pair in lacking}
