r"""The correlation of two columns on their own scales, from that on the scales on which they are modelled.

With :math:`z_t` normal at visit t and monotone maps g, the covariances :math:`\operatorname{Cov}(g_1(z_{t1}), g_2(z_{t2}))`,
averaged over the visits, over the root of the product of the variances averaged likewise; as
:func:`ddlib.merge.unmeasured.pairs.pair_correlations` on the latent scales. Expectations are means over points of a lattice in the
unit square, of golden ratio, as quantiles of two normal values: right to about .002, and the same in every run.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.special import ndtri

from ddlib.merge.margins import Margin

__all__ = ["own_correlation"]

_POINTS = 8192
_PLACE = np.arange(_POINTS) + 0.5
_ONE, _TWO = ndtri(_PLACE / _POINTS), ndtri(_PLACE * (5**0.5 - 1) / 2 % 1)


def own_correlation(
    margins: tuple[Margin, Margin],
    means: Float[np.ndarray, "T 2"],
    deviations: Float[np.ndarray, "T 2"],
    correlations: Float[np.ndarray, " T"],
) -> float:
    """The correlation within a visit on the columns' own scales; not-a-number where one of them does not vary there.

    Args:
        margins: of the two columns.
        means, deviations, correlations: of their latent values at each visit.

    >>> from ddlib.merge.margins import Identity, Thresholds
    >>> yes = Thresholds((0.0, 1.0), (0.0,))
    >>> round(own_correlation((yes, yes), np.zeros((1, 2)), np.ones((1, 2)), np.array([0.5])), 2)  # 2 arcsin(.5) / π
    0.33
    """
    covariance, variance = 0.0, np.zeros(2)
    for mean, deviation, correlation in zip(means, deviations, correlations, strict=True):
        other = correlation * _ONE + np.sqrt(max(1 - correlation**2, 0.0)) * _TWO
        values = np.stack([margins[k].back(mean[k] + deviation[k] * latent) for k, latent in enumerate((_ONE, other))])
        moments = np.cov(values, bias=True)
        covariance, variance = covariance + moments[0, 1], variance + moments.diagonal()
    size = float(np.sqrt(variance.prod()))
    return float(np.clip(covariance / size, -1, 1)) if size > 0 else float("nan")
