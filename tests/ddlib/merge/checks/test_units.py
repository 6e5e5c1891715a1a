"""Slips of units that were planted are found, in the right hospital, with the right factor."""

import numpy as np
import pytest

from ddlib.merge.checks.conversions import CONVERSIONS
from ddlib.merge.checks.mixed_units import mixed_units
from ddlib.merge.checks.other_units import other_units
from ddlib.merge.checks.units import unit_warnings
from ddlib.merge.checks.warned import Records
from tests.ddlib.merge.checks.worlds import hospitals

LABS = [
    ("glucose", 100, 0.25, 1 / 18.016),
    ("creatinine", 1, 0.4, 88.42),
    ("chol", 200, 0.25, 1 / 38.67),
    ("trig", 1.2, 0.4, 88.57),
    ("bilirubin", 0.8, 0.5, 17.1),
    ("hb", 13, 0.12, 10),
    ("crp", 5, 0.5, 1000),
]


def clinic(seed, name, middle, spread, **kind):
    """Hospitals whose first column is a positive measurement, logarithmic standard deviation as given."""
    records = hospitals(seed, missing=0.03, **kind)
    first = np.concatenate([part[..., 0] for part in records.values])
    for part in records.values:
        part[..., 0] = middle * np.exp(spread * (part[..., 0] - np.nanmean(first)) / np.nanstd(first))
    return records._replace(columns=[name, *records.columns[1:]])


def slipped(records, factor, share, seed, source=1):
    """The number of values of one source that were multiplied."""
    values = records.values[source][..., 0]
    cells = (np.random.default_rng(seed).random(values.shape) < share) & ~np.isnan(values)
    values[cells] *= factor
    return int(cells.sum())


def said(factor):
    return f"a factor of {max(factor, 1 / factor):.4g},"


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5])
@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab[0])
def test_slips_inside_a_source_are_counted_and_named(lab, share):
    right = 0
    for seed in range(20):
        records = clinic(seed, *lab[:3])
        number = slipped(records, lab[3], share, seed)
        warnings, restored = unit_warnings(records)
        right += (
            [(one.kind, one.columns, one.sources) for one in warnings] == [("mixed units", (lab[0],), ("south",))]
            and said(lab[3]) in warnings[0].text
            and abs(int(warnings[0].text.split(": ")[1].split(" ")[0]) - number) <= (0.2 if share == 0.5 else 0.1) * number
            and abs(np.log(np.nanmedian(restored.values[1][..., 0]) / lab[1])) < 0.3
        )
    assert right >= 18


def test_slips_are_found_where_each_patient_has_one_visit():
    right = 0
    for seed in range(20):
        records = clinic(seed, "glucose", 100, 0.25, visits=1, sizes=(200, 200, 200))
        slipped(records, 1 / 18.016, 0.05, seed)
        right += [slip.source for slip in mixed_units(records)] == [1]
    assert right >= 18


def test_a_factor_that_nobody_knows_is_found_where_the_modes_are_far_apart():
    right = 0
    for seed in range(20):
        records = clinic(seed, "marker", 50, 0.2)
        slipped(records, 7.3, 0.1, seed)
        right += any(slip.source == 1 and abs(np.nanmedian(slip.restored) / 50 - 1) < 0.3 for slip in mixed_units(records))
    assert right >= 18


@pytest.mark.parametrize("sources", [3, 4, 5])
@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab[0])
def test_the_one_source_in_other_units_is_blamed(lab, sources):
    right = 0
    for seed in range(20):
        records = clinic(seed, *lab[:3], sizes=(80,) * sources)
        slipped(records, lab[3], 1.0, seed)
        warnings, _ = unit_warnings(records)
        right += [(one.kind, one.sources) for one in warnings] == [("differs between sources", ("south",))] and (
            said(lab[3]) in warnings[0].text
        )
    assert right >= 18


def test_of_two_sources_neither_is_blamed_alone():
    records = clinic(0, "glucose", 100, 0.25, sizes=(80, 80))
    slipped(records, 1 / 18.016, 1.0, 0)
    (warned,), _ = unit_warnings(records)
    assert warned.sources == ("north", "south") and "one of the two" in warned.text and said(18.016) in warned.text


def test_columns_about_nought_are_judged_by_their_spread():
    records = hospitals(0, mean=0, sizes=(150, 150, 150))
    slipped(records, 1000, 1.0, 0)
    (warned,), _ = unit_warnings(records)
    assert warned.sources == ("south",) and "1000" in warned.text


def heated(seed, cells):
    """Body temperatures of three hospitals, some of the second in °F."""
    records = hospitals(seed, sizes=(80, 80, 80))
    first = np.concatenate([part[..., 0] for part in records.values])
    for part in records.values:
        part[..., 0] = 36.9 + 0.5 * (part[..., 0] - first.mean()) / first.std()
    own = records.values[1][..., 0]
    own[cells(own)] = own[cells(own)] * 1.8 + 32
    return records


def test_temperatures_in_fahrenheit_are_found_inside_a_source_and_as_a_whole():
    rng = np.random.default_rng(0)
    some = rng.random((80, 4)) < 0.1
    for cells, kind in ((lambda own: some, "mixed units"), (lambda own: np.ones(own.shape, bool), "differs between sources")):
        warnings, restored = unit_warnings(heated(1, cells))
        assert [(one.kind, one.sources) for one in warnings] == [(kind, ("south",))]
        assert "°C and °F" in warnings[0].text
        assert abs(np.median(restored.values[1][..., 0]) - 36.9) < 0.3


def test_tails_outliers_and_codes_are_no_other_units():
    rng = np.random.default_rng(0)
    tables = [rng.lognormal(1, 0.4, (100, 3, 1)) for _ in range(3)]
    tables[1][:12, 0, 0] = 999
    tables[2][0] = 40.0
    assert mixed_units(Records(["crp"], ["a", "b", "c"], tables)) == []
    normal = [rng.normal(2.5, 1, (100, 3, 1)) for _ in range(3)]
    assert mixed_units(Records(["score"], ["a", "b", "c"], normal)) == [] == other_units(Records(["x"], ["a", "b", "c"], normal))


def test_conversions_are_those_of_molar_masses():
    mass = {"glucose": 180.16, "creatinine": 113.12, "cholesterol": 386.65, "urea": 60.06, "calcium": 40.08, "lactate": 90.08}
    factor = {one.units[0].split(" in ")[0]: one.factor for one in CONVERSIONS}
    for name, grams in mass.items():
        per = 1e4 / grams if name == "creatinine" else grams / 10
        assert factor[name] == pytest.approx(per, rel=2e-3)
