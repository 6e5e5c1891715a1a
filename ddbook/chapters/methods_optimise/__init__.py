"""The linear world: two tasks on one real data set, where surrogates can be solved, compared and checked against theory.

:mod:`ddbook.chapters.methods_optimise.experiment` has the tasks and the methods with their settings,
:mod:`ddbook.chapters.methods_optimise.own` matching for the classifier as its authors mean it,
:mod:`ddbook.chapters.methods_optimise.faithful` the common cloud, three others, and what is measured over them,
:mod:`ddbook.chapters.methods_optimise.regret` what the sets lose,
:mod:`ddbook.chapters.methods_optimise.limits` certified bounds,
:mod:`ddbook.chapters.methods_optimise.checks` the closed forms of four surrogates, verified, and
:mod:`ddbook.chapters.methods_optimise.figures` and
:mod:`ddbook.chapters.methods_optimise.dumbbells` the pictures. They need the ``book`` extra and are imported by name.
"""
