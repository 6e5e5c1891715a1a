"""Handwritten digits: every method, every evaluating learner, the warm-start trap, and predictive intervals.

:mod:`ddlib.digits.experiment` has the learners and the tuned methods, :mod:`ddlib.digits.intervals` the uncertainty task on the
diabetes data, :mod:`ddlib.digits.figures` the pictures. They need the ``book`` extra and are imported by name.
"""
