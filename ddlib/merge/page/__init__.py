"""The report as a web page: one file with pictures that needs nothing else, on paper and on every screen.

:mod:`ddlib.merge.page.sections` has the page from top to bottom, :mod:`ddlib.merge.page.advice` what it says first,
:mod:`ddlib.merge.page.trajectories`, :mod:`~ddlib.merge.page.intervals` and :mod:`~ddlib.merge.page.parts` its pictures, which
:mod:`ddlib.merge.page.drawing` draws. The report is all that is read.
"""

from ddlib.merge.page.sections import report_page

__all__ = ["report_page"]
