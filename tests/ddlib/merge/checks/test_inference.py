"""Why no standard error is to be taken from the synthetic table: the p-value follows the number of rows that were asked for."""

import numpy as np
from scipy.special import stdtr

from ddlib.merge.checks.inference import NO_INFERENCE
from ddlib.merge.merging import merge
from tests.ddlib.merge.hospital_tables import hospitals


def p_value(table):
    """Of the slope of one column on another, as ordinary least squares has it."""
    x, y = table["bili"].to_numpy(), table["alt"].to_numpy()
    correlation, freedom = np.corrcoef(x, y)[0, 1], len(x) - 2
    return correlation**2, 2 * stdtr(freedom, -abs(correlation) * np.sqrt(freedom / (1 - correlation**2)))


def test_more_rows_make_a_smaller_p_value_of_the_same_estimate():
    tables = hospitals(patients=20)
    runs = [merge(tables, id="patient", time="visit", rows=rows, iterations=10) for rows in (20, 333, 3333)]
    explained, p = zip(*(p_value(run.table) for run in runs), strict=True)
    assert np.ptp(explained) < 1e-6
    assert p[1] < p[0] ** 5 and p[2] < p[1] ** 5
    for run in runs:
        assert run.report["inference"] == NO_INFERENCE
    assert "p-value" in NO_INFERENCE and "standard error" in NO_INFERENCE
