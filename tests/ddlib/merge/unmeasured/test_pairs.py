"""A pair of columns in a patient's covariance: the correlation that the report states."""

import torch

from ddlib.merge.unmeasured import column_of, in_column_units, pair_correlations
from tests.ddlib.merge.unmeasured.partial_laws import law, value


def stated(covariance, columns, visits, first, second):
    """The correlation by its definition, entry by entry."""
    place = column_of(len(covariance), columns, visits).tolist()
    entries = [[entry for entry, column in enumerate(place) if column == one] for one in (first, second)]
    size = max(map(len, entries))
    pairs = zip(*(part if len(part) == size else part * size for part in entries), strict=True)  # a static column is at all visits
    cross = torch.stack([covariance[i, j] for i, j in pairs]).mean()
    variances = [covariance.diagonal()[part].mean() for part in entries]
    return cross / (variances[0] * variances[1]).sqrt()


def test_functionals_in_column_units_are_the_report_s_correlations():
    covariance, pairs = law(14, 0), [(0, 1), (3, 1), (2, 3), (4, 1), (4, 5)]
    found = value(pair_correlations(14, 4, 3, pairs), in_column_units(covariance, 4, 3))
    torch.testing.assert_close(found, torch.stack([stated(covariance, 4, 3, *pair) for pair in pairs]))


def test_several_covariances_have_units_of_their_own():
    both = torch.stack([law(6, 1), law(6, 2)])
    torch.testing.assert_close(in_column_units(both, 2, 3), torch.stack([in_column_units(one, 2, 3) for one in both]))


def test_no_pairs_are_no_functionals():
    assert pair_correlations(6, 3, 2, []).shape == (0, 6, 6)
