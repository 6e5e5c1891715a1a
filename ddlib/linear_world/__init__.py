"""The linear world: two tasks on one real data set, where surrogates can be solved, compared and checked against theory.

:mod:`ddlib.linear_world.experiment` has the tasks and the methods with their settings, :mod:`ddlib.linear_world.faithful` the
common cloud and what is measured over it, :mod:`ddlib.linear_world.limits` certified bounds, :mod:`ddlib.linear_world.checks` the
closed forms of four surrogates, verified, and :mod:`ddlib.linear_world.figures` the pictures. They need the ``book`` extra and are
imported by name.
"""
