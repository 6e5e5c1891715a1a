"""The curve of a result against the shift of missing values."""

import numpy as np
import pytest

from ddlib.merge import Merge, TableError, shifted
from tests.ddlib.merge.uncertainty.records import small


@pytest.fixture(scope="module")
def completed():
    tables, options = small()
    return Merge(**options).fit(tables).complete(draws=4)


def test_the_mean_moves_with_the_share_that_was_drawn(completed):
    curve = shifted(completed, "b", [0.0, 1.0, 2.0], unit="own")
    share = completed.drawn.b.mean()
    assert np.diff(curve.estimate) == pytest.approx([share, share])
    assert ((curve.low < curve.estimate) & (curve.estimate < curve.high)).all()
    assert curve.estimate[0] == pytest.approx(np.mean([table.b.mean() for table in completed.tables]))


def test_shifts_are_in_standard_deviations_of_what_was_measured(completed):
    own, standard = (shifted(completed, "b", [1.0], unit=unit).estimate[0] for unit in ("own", "sd"))
    size = completed.tables[0].b[~completed.drawn.b].std(ddof=0)
    at_zero = shifted(completed, "b", [0.0]).estimate[0]
    assert standard - at_zero == pytest.approx(size * (own - at_zero))


def test_any_statistic_can_be_asked_and_tables_are_not_changed(completed):
    before = completed.tables[0].copy()
    curve = shifted(completed, "b", [0.0, 3.0], lambda table: (table[table.time == 3].a.mean(), 0.1))
    assert curve.estimate[0] == curve.estimate[1] and completed.tables[0].equals(before)


def test_what_makes_no_sense_is_refused(completed):
    with pytest.raises(TableError, match="no measured column 'c'"):
        shifted(completed, "c")
    with pytest.raises(TableError, match="nothing to shift"):
        shifted(completed, "age")
