"""The merge tool: tables of several sources, with intersecting columns, become one table of complete synthetic patients.

:mod:`ddlib.merge.merging` has the function, :mod:`ddlib.merge.reading` what files are read and how, :mod:`ddlib.merge.panel` what
is asked of the tables, :mod:`ddlib.merge.model` the model and its fit, :mod:`ddlib.merge.rows` the synthetic patients, and
:mod:`ddlib.merge.report` the report. :mod:`ddlib.merge.estimator` has the same as an estimator, :mod:`ddlib.merge.completion`
the tables that carry the estimate's uncertainty, :mod:`ddlib.merge.combining` the rules for them, :mod:`ddlib.merge.shifts` what if
values are not missing at random, and :mod:`ddlib.merge.disclosure` how near synthetic patients come to real ones. Only what takes
or gives tables needs pandas.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ddlib.merge.beside import Beside, tables_beside
    from ddlib.merge.combining import Combined, combine
    from ddlib.merge.completion import Completed, completed_tables, drawn_tables
    from ddlib.merge.disclosure import Disclosure, nearest_patients
    from ddlib.merge.errors import TableError
    from ddlib.merge.estimator import Merge
    from ddlib.merge.merging import Merged, merge
    from ddlib.merge.page import report_page
    from ddlib.merge.shifts import shifted

__all__ = [
    "Beside",
    "Combined",
    "Completed",
    "Disclosure",
    "Merge",
    "Merged",
    "TableError",
    "combine",
    "completed_tables",
    "drawn_tables",
    "merge",
    "nearest_patients",
    "report_page",
    "shifted",
    "tables_beside",
]


def __getattr__(name: str) -> Any:
    """What is public, on first use: the command answers ``--help`` without the seconds that torch takes to load."""
    if name in __all__:
        from ddlib.merge import beside, combining, completion, disclosure, errors, estimator, merging, page, shifts

        homes = (beside, combining, completion, disclosure, errors, estimator, merging, page, shifts)
        return next(getattr(home, name) for home in homes if name in home.__all__)
    raise AttributeError(f"module 'ddlib.merge' has no attribute {name!r}")
