"""The model of a merge, its likelihood and its fit.

:mod:`~ddlib.merge.model.law` has the law of a trajectory, :mod:`~ddlib.merge.model.patterns` the patients in groups,
:mod:`~ddlib.merge.model.likelihood` their likelihood, :mod:`~ddlib.merge.model.intervals` what is known of values in
intervals, :mod:`~ddlib.merge.model.fit` its maximum,
:mod:`~ddlib.merge.model.effects` the variances of what differs between visits and hospitals, and
:mod:`~ddlib.merge.model.choice` what is chosen by held-out patients.
"""
