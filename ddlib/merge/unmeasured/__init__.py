"""What is said of pairs of measurements that nobody has together: a convention, and the bounds of what the others allow.

Some entries of a covariance are estimated, the others were never measured. :mod:`ddlib.merge.unmeasured.entropy` fills those by
the law of maximum entropy, :mod:`ddlib.merge.unmeasured.limits` bounds a linear functional over *all* laws that share what was
measured, :mod:`ddlib.merge.unmeasured.widened` adds the sampling error, and :mod:`ddlib.merge.unmeasured.pairs` says what of a
trajectory's covariance a pair of columns is. Everything takes matrices, and knows neither tables nor models.
"""

from ddlib.merge.unmeasured.entropy import Completion, maximum_entropy
from ddlib.merge.unmeasured.limits import bounds
from ddlib.merge.unmeasured.pairs import column_of, in_column_units, pair_correlations
from ddlib.merge.unmeasured.widened import widened

__all__ = ["Completion", "bounds", "column_of", "in_column_units", "maximum_entropy", "pair_correlations", "widened"]
