"""Handwritten digits: every method, every evaluating learner, the warm-start trap, and predictive intervals.

:mod:`ddbook.chapters.digits.experiment` has the learners and the tuned methods, :mod:`ddbook.chapters.digits.intervals` the
uncertainty task on the diabetes data, :mod:`ddbook.chapters.digits.figures` the pictures. They need the ``book`` extra and are
imported by name.
"""
