"""One warning where the patients, not the rows, are too few; none where they are enough."""

import numpy as np
import pandas as pd
import pytest

from ddlib.merge import merge


def hospital(seed: int, patients: int, visits: int, columns: int, skewed: bool = False) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(patients, 1, columns)) + 0.5 * rng.normal(size=(patients, visits, columns))
    frame = pd.DataFrame((np.exp(values) if skewed else values + 9).reshape(-1, columns), columns=list("abcdefghij")[:columns])
    frame.insert(0, "visit", np.tile(np.arange(visits), patients))
    frame.insert(0, "id", np.repeat(np.arange(patients), visits))
    return frame


def told(sizes, visits, columns, **kind):
    tables = {f"h{k}": hospital(k, size, visits, columns, **kind) for k, size in enumerate(sizes)}
    report = merge(tables, "id", "visit", join="never", tolerance=1.0, margins=kind.pop("margins", "auto")).report
    return [one["text"] for one in report["warnings"] if one["kind"] == "too few patients"]


@pytest.mark.parametrize("skewed", [False, True])
def test_few_units_of_many_rows_are_told_of_once(skewed):
    (said,) = told((5, 5), 20, 3, skewed=skewed)
    assert "'a', 'b' and 'c'" in said and "about 10 patients" in said and "0.32 standard deviations" in said


def test_a_small_hospital_counts_as_much_as_a_large_one():
    tables = {"small": hospital(0, 4, 2, 2), "large": hospital(1, 300, 2, 2)}
    tables["small"][["a", "b"]] += 4.0  # an offset, which the records show
    report = merge(tables, "id", "visit", join="never").report
    (said,) = (one["text"] for one in report["warnings"] if one["kind"] == "too few patients")
    assert report["model"]["hospitals_differ"]["used"] and "average hospital" in said and "about 16 patients" in said


ENOUGH = [((80, 80, 80), 3, 3), ((80, 80), 1, 3), ((40, 40), 4, 2), ((30, 30), 12, 2)]


@pytest.mark.parametrize(("sizes", "visits", "columns"), ENOUGH)
def test_enough_patients_are_not_told_of(sizes, visits, columns):
    assert told(sizes, visits, columns) == []
