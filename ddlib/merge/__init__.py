"""The merge tool: tables of several sources, with intersecting columns, become one table of complete synthetic patients.

:mod:`ddlib.merge.merging` has the function, :mod:`ddlib.merge.panel` what is asked of the tables,
:mod:`ddlib.merge.fit` the model and its fit, :mod:`ddlib.merge.rows` the synthetic patients, and
:mod:`ddlib.merge.report` the report. Only :func:`ddlib.merge.merge <ddlib.merge.merging.merge>` itself needs pandas.
"""

from ddlib.merge.errors import TableError
from ddlib.merge.merging import Merged, merge
from ddlib.merge.page import report_page

__all__ = ["Merged", "TableError", "merge", "report_page"]
