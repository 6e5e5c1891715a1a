"""Handwritten digits: every method, every evaluating learner, the warm-start trap, and predictive intervals.

:mod:`ddbook.chapters.digits.rows` locks 400 images away, :mod:`~ddbook.chapters.digits.tuning` chooses the settings of
:mod:`~ddbook.chapters.digits.chosen` on the others, :mod:`~ddbook.chapters.digits.experiment` makes the sets, and
:mod:`~ddbook.chapters.digits.judge` judges them on the locked images. :mod:`~ddbook.chapters.digits.intervals` has the uncertainty
task on the diabetes data, :mod:`~ddbook.chapters.digits.figures` the pictures. They need the ``book`` extra.
"""
