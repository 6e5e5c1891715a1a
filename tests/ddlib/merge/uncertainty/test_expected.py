"""What is expected of a patient with intervals, against brute force."""

import numpy as np
import torch

from ddlib.dbn.model.network import Gaussian
from ddlib.merge.latent import expected_rows
from ddlib.merge.margins import Identity, Thresholds
from ddlib.merge.scales import Scales

LAW = np.array([[1.0, 0.7, 0.6, 0.5], [0.7, 1.0, 0.6, 0.4], [0.6, 0.6, 1.0, 0.7], [0.5, 0.4, 0.7, 1.0]])
MEAN = np.array([0.2, -0.1, 0.0, 0.3])


def test_expectations_given_categories_and_limits_are_those_of_many_draws():
    scales = Scales(
        [Thresholds((0.0, 1.0), (0.4,)), Thresholds((0.0, 1.0, 2.0), (-0.5, 0.5)), Identity(0.0, 1.0), Identity(0.0, 1.0)], []
    )
    values = torch.tensor([[1.0, 0.0, torch.nan, torch.nan], [torch.nan, 2.0, 0.7, torch.nan]], dtype=torch.float64)
    lower, upper = values.nan_to_num(-torch.inf), values.nan_to_num(torch.inf)
    upper[0, 2] = 0.3  # a limit of detection
    law = Gaussian(torch.from_numpy(MEAN), torch.from_numpy(LAW))
    mean, variance = expected_rows(scales, values, law, torch.zeros(4).double(), 1, (lower, upper))
    draws = np.random.default_rng(0).multivariate_normal(MEAN, LAW, 2_000_000)
    first = draws[(draws[:, 0] > 0.4) & (draws[:, 1] < -0.5) & (draws[:, 2] < 0.3)]
    np.testing.assert_allclose(mean[0], first.mean(0), atol=0.02)
    np.testing.assert_allclose(variance[0], first.var(0), rtol=0.05)
    second = draws[(draws[:, 1] > 0.5) & (np.abs(draws[:, 2] - 0.7) < 0.02)]
    np.testing.assert_allclose(mean[1, [0, 1, 3]], second.mean(0)[[0, 1, 3]], atol=0.02)
    np.testing.assert_allclose(variance[1, [0, 1, 3]], second.var(0)[[0, 1, 3]], rtol=0.05)
    assert mean[1, 2] == values[1, 2] and float(variance[1, 2]) == 0.0
