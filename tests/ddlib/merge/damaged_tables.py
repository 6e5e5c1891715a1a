"""Small tables that can be merged, and the same with things gone wrong, for property tests."""

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

ODD = [
    None,
    np.nan,
    np.inf,
    -np.inf,
    "",
    "n/a",
    "7",
    "<0.5",
    ">=2",
    "1,5",
    "2024-01-31",
    1e300,
    1e-300,
    0,
    -1,
    True,
    1j,
    [1],
    {},
    b"x",
    pd.Timestamp("2024-01-01"),
    pd.NaT,
    pd.NA,
]


@st.composite
def plain(draw):
    """Two to four small tables that can be merged."""
    seed = draw(st.integers(0, 2**16))
    rng = np.random.default_rng(seed)
    tables = {}
    for k in range(draw(st.integers(2, 4))):
        patients, visits = draw(st.integers(2, 8)), draw(st.integers(2, 4))
        columns = draw(st.lists(st.sampled_from("abc"), min_size=1, max_size=3, unique=True))
        frame = pd.DataFrame(rng.normal(size=(patients * visits, len(columns))), columns=columns)
        frame.insert(0, "visit", np.tile(np.arange(visits), patients))
        frame.insert(0, "patient", np.repeat(np.arange(patients), visits))
        tables[f"table {k}"] = frame
    return tables


@st.composite
def damaged(draw):
    """The same with up to four things gone wrong."""
    tables = draw(plain())
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 4]))):
        name = draw(st.sampled_from(sorted(tables)))
        frame = tables[name].copy()
        column = draw(st.sampled_from(list(frame.columns))) if len(frame.columns) else None
        kind = draw(
            st.sampled_from(
                [
                    "cell",
                    "cell",
                    "column",
                    "constant",
                    "lose",
                    "double",
                    "rename",
                    "repeat",
                    "empty",
                    "gaps",
                    "gaps",
                    "type",
                    "few",
                    "late",
                ]
            )
        )
        if kind == "cell" and len(frame) and column is not None:
            place = frame.columns.get_indexer_for([column])[0]
            frame = frame.astype(object)
            frame.iat[draw(st.integers(0, len(frame) - 1)), place] = draw(st.sampled_from(ODD))
        elif kind == "column" and column is not None:
            frame[column] = pd.Series([draw(st.sampled_from(ODD))] * len(frame), index=frame.index, dtype=object)
        elif kind == "constant" and column is not None:
            frame[column] = draw(st.sampled_from([0, 1.5, 1e15]))
        elif kind == "lose" and column is not None:
            frame = frame.drop(columns=column)
        elif kind == "double" and column is not None:
            frame = pd.concat([frame, frame[[column]].iloc[:, :1]], axis=1)
        elif kind == "rename" and column is not None:
            frame = frame.rename(
                columns={column: draw(st.sampled_from(["patient", "visit", "a", 3, None, "Patient", "represents"]))}
            )
        elif kind == "repeat":
            frame = pd.concat([frame, frame.head(1)])
        elif kind == "empty":
            frame = frame.head(0)
        elif kind == "gaps":
            measured = [place for place, name in enumerate(frame.columns) if name not in ("patient", "visit")]
            lost = np.random.default_rng(0).random((len(frame), len(measured))) < draw(st.sampled_from([0.2, 0.6, 0.9]))
            frame = frame.astype(object)
            frame.iloc[:, measured] = frame.iloc[:, measured].mask(lost)
        elif kind == "type" and column is not None:
            kinds = st.sampled_from(["str", "category", "datetime64[ns]", "bool", "complex", "Int64", "float32", "object"])
            try:
                frame = frame.astype({column: draw(kinds)})
            except (TypeError, ValueError, KeyError):
                continue
        elif kind == "late" and "visit" in frame and frame["visit"].dtype.kind == "i":
            frame = frame.assign(visit=draw(st.sampled_from([frame["visit"] * 1e9, frame["visit"] + 0.5, -frame["visit"]])))
        else:
            frame = frame.head(draw(st.integers(1, 3)))
        tables[name] = frame
    return tables


MEASURED = st.one_of(st.floats(-1e3, 1e3), st.sampled_from([0.0, np.nan, 1e30, 1e-30, np.inf, 1e99]))
ROW = st.tuples(st.integers(1, 4), st.integers(0, 3), MEASURED, st.one_of(st.floats(-1e6, 1e6), st.just(np.nan)))
ANY = st.lists(ROW, min_size=3, max_size=10, unique_by=lambda row: row[:2]).map(
    lambda rows: pd.DataFrame(rows, columns=["patient", "visit", "a", "b"])
)


def often(examples):
    return settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
