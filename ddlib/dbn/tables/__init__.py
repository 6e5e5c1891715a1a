"""The merge tool: tables of several sources, with intersecting columns, become one table of complete synthetic patients.

:mod:`ddlib.dbn.tables.merging` has the function, :mod:`ddlib.dbn.tables.panel` what is asked of the tables,
:mod:`ddlib.dbn.tables.fit` the model and its fit, :mod:`ddlib.dbn.tables.rows` the synthetic patients, and
:mod:`ddlib.dbn.tables.report` the report. Only :func:`ddlib.dbn.merge <ddlib.dbn.tables.merging.merge>` itself needs pandas.
"""

from ddlib.dbn.tables.errors import TableError
from ddlib.dbn.tables.merging import Merged, merge
from ddlib.dbn.tables.page import report_page

__all__ = ["Merged", "TableError", "merge", "report_page"]
