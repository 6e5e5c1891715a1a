"""The linear world: two tasks on one real data set, where surrogates can be solved, compared and checked against theory.

:mod:`ddbook.chapters.methods_optimise.experiment` has the tasks and the methods with their settings,
:mod:`ddbook.chapters.methods_optimise.faithful` the common cloud and what is measured over it,
:mod:`ddbook.chapters.methods_optimise.limits` certified bounds,
:mod:`ddbook.chapters.methods_optimise.checks` the closed forms of four surrogates, verified, and
:mod:`ddbook.chapters.methods_optimise.figures` the pictures. They need the ``book`` extra and are imported by name.
"""
