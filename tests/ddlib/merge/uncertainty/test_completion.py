"""The tables beside the exact one: what they hold, and that they carry the estimate's uncertainty."""

import numpy as np
import pandas as pd
import pytest
import torch

from ddlib.merge import TableError, combine, completed_tables, drawn_tables, merge, tables_beside
from ddlib.merge.completion import REAL
from ddlib.merge.posterior import CERTAIN, drawn_laws
from tests.ddlib.merge.uncertainty.records import COVARIANCE, TIMES, complete, hospitals, small


@pytest.fixture(scope="module")
def merged():
    tables, options = small()
    return merge(tables, **options)


def completed(merged, draws=3, seed=0):
    return completed_tables(merged.panel, merged.estimate, "id", "time", draws, seed)


def test_measured_cells_are_as_given_and_the_others_are_drawn(merged):
    tables, _ = small()
    found = completed(merged)
    given = pd.concat([frame.assign(source=name) for name, frame in tables.items()])
    keys = ["source", "id", "time"]
    for table in found.tables:
        assert list(table.columns) == ["id", "time", "source", "a", "age", "b"] and not table.isna().any(axis=None)
        both = table.merge(given, on=keys, suffixes=("", " given"))
        assert len(both) == len(table) == 45 * len(TIMES)
        for name in ("a", "b", "age"):
            measured = both[f"{name} given"].notna()
            assert (both.loc[measured, name] == both.loc[measured, f"{name} given"]).all()
            assert (found.drawn[name].to_numpy() == ~measured.to_numpy()).all()
    first, second = found.tables[:2]
    for name in found.drawn:
        assert ((first[name] != second[name]) == found.drawn[name]).all()


def test_a_patient_has_every_reported_visit_and_one_value_of_a_static_column():
    tables, options = small()
    tables["h0"] = tables["h0"][(tables["h0"].time != 1) | (tables["h0"].id > 5)]
    tables["h1"].loc[tables["h1"].id == 3, "age"] = np.nan
    table = completed(merge(tables, **options), 2).tables[0]
    assert (table.groupby(["source", "id"]).time.agg(list).map(tuple) == TIMES).all()
    assert (table.groupby(["source", "id"]).age.nunique() == 1).all() and table.age.notna().all()


def test_names_that_are_text_stay_text():
    tables, options = small()
    tables["h0"]["id"] = [f"0{name}" for name in tables["h0"].id]
    table = completed(merge(tables, **options), 2).tables[0]
    assert table.id[0] == "01" and set(table[table.source == "h1"].id) == {str(name) for name in range(1, 16)}


def test_the_same_seed_gives_the_same_tables_and_another_does_not(merged):
    assert completed(merged, 2).tables[1].equals(completed(merged, 2).tables[1])
    assert not completed(merged, 2).tables[1].equals(completed(merged, 2, seed=1).tables[1])


def test_drawn_tables_scatter_more_than_tables_of_one_law(merged):
    """Their means vary with the estimate's uncertainty and with the finite number of patients; those of one law with the latter."""
    many = drawn_tables(merged.panel, merged.estimate, "id", "time", 40, 400)
    assert all(table.shape == (400 * len(TIMES), 5) for table in many)
    one = merged.estimate._replace(information=None)
    fixed = drawn_tables(merged.panel, one, "id", "time", 40, 400)
    spread, least = (np.var([table[table.time == 3].a.mean() for table in tables]) for tables in (many, fixed))
    assert least < 3 / 400 < spread


def test_without_the_estimate_s_uncertainty_the_tables_say_so(merged):
    found = completed(merged._replace(estimate=merged.estimate._replace(information=None)), 2)
    assert CERTAIN in found.notes and CERTAIN not in completed(merged, 2).notes and "real patients" in found.notes[0]


def test_draws_keep_the_convention_where_nobody_measured():
    """Two columns that no patient has together are independent given the rest in each draw: zeros in the precision."""
    tables, options = small()
    found = merge({name: tables[name] for name in ("h0", "h1")}, **options)
    measured = found.estimate.measured
    assert not measured.all()
    for drawn in drawn_laws(found.panel, found.estimate, 3, torch.Generator().manual_seed(0)):
        precision = torch.linalg.inv(drawn.law.covariance)
        scale = precision.diagonal().rsqrt()
        assert (precision * torch.outer(scale, scale))[~measured].abs().max() < 1e-6


def test_drawn_cells_have_the_noise_of_measured_ones():
    """Of a column with variance 1 and noise of the same variance, measured and drawn cells have the same variance."""
    values = complete(600, 2)
    values[..., 0] += np.random.default_rng(3).normal(size=values.shape[:2])
    found = completed(merge(hospitals(values), "id", "time", noise={"h0": {"a": 1.0}, "h2": {"a": 1.0}}, join="never"), 10)
    gone = found.drawn.a[found.tables[0].source == "h0"]
    measured, drawn = (np.mean([table.a[gone.index][rows].var() for table in found.tables]) for rows in (~gone, gone))
    assert drawn == pytest.approx(measured, rel=0.25) and measured > 1.8


@pytest.mark.parametrize("number", [0, -1, True, 2.5])
def test_numbers_that_make_no_sense_are_refused(merged, number):
    with pytest.raises(TableError, match="1 or more"):
        completed(merged, number)
    with pytest.raises(TableError, match="1 or more"):
        drawn_tables(merged.panel, merged.estimate, "id", "time", number)
    with pytest.raises(TableError, match="1 or more"):
        drawn_tables(merged.panel, merged.estimate, "id", "time", 2, number)


def test_the_command_s_tables_are_these(merged):
    found = tables_beside(merged, "id", "time", complete=2, draws=2, rows=7, seed=3)
    assert list(found.tables) == ["completed-1", "completed-2", "draw-1", "draw-2"] and found.notes == (REAL,)
    assert found.tables["completed-2"].equals(completed(merged, 2, 3).tables[1])
    assert len(found.tables["draw-1"]) == 7 * len(TIMES)
    certain = merged._replace(estimate=merged.estimate._replace(information=None))
    assert tables_beside(certain, "id", "time", draws=1).notes == (CERTAIN,)
    assert tables_beside(merged, "id", "time") == ({}, ())


def test_a_column_called_source_is_refused():
    tables, options = small()
    found = merge({name: frame.rename(columns={"age": "source"}) for name, frame in tables.items()}, **options)
    with pytest.raises(TableError, match="rename it"):
        completed(found)


def analysis(last):
    """Mean, Fisher's z and slope of patients' values (n, 2) at the last visit, with their variances."""
    n = len(last)
    a, b = (last - last.mean(0)).T
    z, slope = np.arctanh(np.corrcoef(last.T)[0, 1]), a @ b / (a @ a)
    spread = ((b - slope * a) ** 2).sum() / (n - 2) / (a @ a)
    return np.array([last[:, 1].mean(), z, slope]), np.array([b @ b / (n - 1) / n, 1 / (n - 3), spread])


def test_intervals_hold_the_truth():
    """Sixty merges, three quantities: about 95 % of the intervals; the benchmark ``merge_coverage.py`` has a thousand."""
    truth = np.array([0.0, np.arctanh(COVARIANCE[0, 1]), COVARIANCE[0, 1]])
    held: dict[str, list[np.ndarray]] = {"completed": [], "synthetic": []}
    for seed in range(60):
        frames = {
            name: frame.drop(columns="age") for name, frame in hospitals(complete(120, seed, (0, 2)), seed, 0.15, (0, 2)).items()
        }
        found = merge(frames, "id", "time", join="never", rows=5)
        tables = {
            "completed": completed(found, 10, seed).tables,
            "synthetic": drawn_tables(found.panel, found.estimate, "id", "time", 20, 240, seed),
        }
        for kind, many in tables.items():
            results = [analysis(table[table.time == 2][["a", "b"]].to_numpy()) for table in many]
            result = combine([one[0] for one in results], [one[1] for one in results], kind, complete_df=118)  # type: ignore[arg-type]
            held[kind].append((result.low < truth) & (truth < result.high))
    for kind in held:
        assert 0.9 <= np.mean(held[kind]) <= 0.99, kind
        assert np.mean(held[kind], axis=0).min() >= 0.86, kind
