"""One dataset, many tasks: what the first chapter shows of them beyond the library's own cells.

:mod:`ddbook.chapters.one_dataset.plane` has six learners of two measurements, and the points that are perfect for each;
:mod:`ddbook.chapters.one_dataset.touch` draws them, still for print and to touch on a page. They are imported by name.
"""
