"""What the merge of tables refuses, each in one sentence."""

import math

import numpy as np
import pandas as pd
import pytest

from ddlib.merge import TableError, merge
from tests.ddlib.merge.hospital_tables import hospitals

KEYS = {"id": "patient", "time": "visit"}


def without(column):
    return lambda tables: {name: frame.drop(columns=column) for name, frame in tables.items()}


def in_north(**cells):
    def change(tables):
        return {**tables, "north": tables["north"].assign(**cells)}

    return change


def at_row(column, value):
    def change(tables):
        frame = tables["north"].astype({column: object})
        frame.iloc[3, frame.columns.get_loc(column)] = value
        return {**tables, "north": frame}

    return change


REFUSED = {
    "one table": (lambda t: {"north": t["north"]}, {}, "at least 2 tables"),
    "no table": (lambda t: [], {}, "at least 2 tables"),
    "no mapping": (lambda t: 3, {}, "must be a list"),
    "no frame": (lambda t: {**t, "north": 3}, {}, "not a pandas DataFrame"),
    "no rows": (lambda t: {**t, "north": t["north"].head(0)}, {}, "north has no rows"),
    "no id": (without("patient"), {}, "no column 'patient'"),
    "no time": (without("visit"), {}, "no column 'visit': did you mean|no column 'visit': it has"),
    "one name twice": (
        lambda t: {**t, "north": pd.concat([t["north"], t["north"][["bili"]]], axis=1)},
        {},
        "two columns called 'bili'",
    ),
    "levels": (lambda t: {**t, "north": pd.concat({"x": t["north"]}, axis=1)}, {}, "several levels"),
    "same keys": (lambda t: t, {"time": "patient"}, "two different columns"),
    "no common column": (
        lambda t: {"a": t["north"][["patient", "visit", "alt"]], "b": t["south"][["patient", "visit", "crea"]]},
        {},
        "no numeric column in common",
    ),
    "nothing measured": (lambda t: {name: f[["patient", "visit"]] for name, f in t.items()}, {}, "no columns of measurements"),
    "source without measurements": (lambda t: {**t, "north": t["north"][["patient", "visit"]]}, {}, "north has no measurements"),
    "text": (at_row("alt", "high"), {}, r"'alt' of north holds text \('high', data row 4\)"),
    "a list": (at_row("alt", [1]), {}, "holds a list"),
    "dates": (in_north(alt=pd.Timestamp("2024-01-01")), {}, "holds dates"),
    "complex": (in_north(alt=1j), {}, "complex"),
    "infinite": (at_row("alt", np.inf), {}, "is inf in data row 4"),
    "huge": (at_row("alt", 1e200), {}, "is 1e[+]200 in data row 4"),
    "constant": (in_north(bili=4.0), {}, "'bili' of north is constant"),
    "constant up to rounding": (in_north(bili=lambda f: 1e12 + f.patient * 1e-3), {}, "constant"),
    "never measured": (in_north(new=np.nan), {}, "'new' has no measurement"),
    "twice": (lambda t: {**t, "north": pd.concat([t["north"], t["north"].head(1)])}, {}, "has the patient 1 twice at the time 1"),
    "no patient": (at_row("patient", None), {}, "'patient' of north is empty in data row 4"),
    "compound patient": (at_row("patient", [1]), {}, "compound"),
    "missing time": (at_row("visit", None), {}, "'visit' of north is empty in data row 4"),
    "infinite time": (in_north(visit=np.inf), {}, "not finite"),
    "text as time": (in_north(visit="baseline"), {}, "'baseline', for example: times are numbers"),
    "bool as time": (in_north(visit=True), {}, "bool"),
    "local dates": (in_north(visit=[f"{i % 28 + 1}/{i % 12 + 1}/2024" for i in range(180)]), {}, "ISO dates"),
    "dates and numbers": (in_north(visit=pd.date_range("2024-01-01", periods=180)), {}, "dates in north but numbers in"),
    "too many visits": (
        lambda t: {name: f.assign(visit=np.arange(len(f)) + 1000 * k) for k, (name, f) in enumerate(t.items())},
        {"visits": "values"},
        "--visits order",
    ),
    "drop unknown": (lambda t: t, {"drop": ["age"]}, "no table has a column 'age'"),
    "drop what": (lambda t: t, {"drop": 3}, "must be a list of names"),
    "drop the id": (lambda t: t, {"drop": ["patient"]}, "cannot be dropped"),
    "no rows wanted": (lambda t: t, {"rows": 0}, "--rows"),
    "half a row": (lambda t: t, {"rows": 2.5}, "--rows"),
    "too many rows": (lambda t: t, {"rows": 10**9}, "memory"),
    "seed": (lambda t: t, {"seed": -1}, "seed"),
    "tolerance": (lambda t: t, {"tolerance": 0.0}, "tolerance"),
    "prior": (lambda t: t, {"prior": -1}, "weight of the prior"),
    "iterations": (lambda t: t, {"iterations": 0}, "iterations"),
    "reading": (lambda t: t, {"visits": "dates"}, "'auto', 'values' or 'order'"),
    "weights taken": (in_north(represents=lambda f: f.bili), {"weights": True}, "'represents'"),
    "noise of what": (lambda t: t, {"noise": {"bilirubin": 0.1}}, "did you mean|no column is called that"),
    "alike in two tables": (
        lambda t: {**t, "north": t["north"].rename(columns={"bili": "BILI "})},
        {},
        "south has a column 'bili' and north a column 'BILI ', which differ only in case",
    ),
    "alike in one table": (in_north(**{"al t": lambda f: f.alt + f.bili}), {}, "'al t' and north a column 'alt', which differ"),
    "damaged patient": (at_row("patient", '4"'), {}, "holds '4\"' in data row 4: name patients without quotation marks"),
    "noise of what the table lacks": (lambda t: t, {"noise": {"north": {"crea": 0.1}}}, "'crea' is given for north, which has no"),
    "noise where": (lambda t: t, {"noise": {"nort": {"bili": 0.1}}}, "did you mean 'north'"),
    "negative noise": (lambda t: t, {"noise": {"bili": -0.1}}, "noise of 'bili' is -0.1"),
    "noise as text": (lambda t: t, {"noise": {"bili": "small"}}, "noise of 'bili' is 'small'"),
    "noise as nan": (lambda t: t, {"noise": {"bili": math.nan}}, "noise of 'bili' is nan"),
    "noise as list": (lambda t: t, {"noise": [0.1]}, "must map columns"),
    "too much noise": (lambda t: t, {"noise": {"bili": 100}}, "standard deviation of only"),
}


@pytest.mark.parametrize(("change", "options", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_used_is_refused_in_a_sentence(change, options, message):
    with pytest.raises(TableError, match=message) as caught:
        merge(change(hospitals()), **{**KEYS, **options})
    assert "\n" not in str(caught.value)
