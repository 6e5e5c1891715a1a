"""Values in other units than the rest: some of one source, or all of it."""

from __future__ import annotations

from ddlib.merge.checks.mixed_units import mixed_units
from ddlib.merge.checks.other_units import other_units
from ddlib.merge.checks.warned import Records
from ddlib.merge.warned import Warned

__all__ = ["unit_warnings"]


def unit_warnings(records: Records) -> tuple[list[Warned], Records]:
    """Slips of units, and the records without them, for the checks that come after.

    Args:
        records: the measurements.

    Returns:
        the warnings, and the records with the values in other units converted to those of the rest.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> tables = [np.exp(rng.normal(4.6, 0.2, (100, 2, 1))) for _ in range(2)]
    >>> tables[1][:8, 0] /= 18.016
    >>> warnings, restored = unit_warnings(Records(["glucose"], ["north", "south"], tables))
    >>> warnings[0].kind, warnings[0].sources, round(restored.values[1].min()) > 40
    ('mixed units', ('south',), True)
    """
    found = []
    for slip in mixed_units(records):
        records = records.replaced(slip.source, slip.column, slip.restored)
        found.append(Warned("mixed units", slip.text, (records.columns[slip.column],), (records.sources[slip.source],)))
    for slip in other_units(records):
        records = records.replaced(slip.source, slip.column, slip.restored)
        sources = tuple(records.sources[k] for k in sorted(slip.doubtful) or (slip.source,))
        found.append(Warned("differs between sources", slip.text, (records.columns[slip.column],), sources))
    return found, records
