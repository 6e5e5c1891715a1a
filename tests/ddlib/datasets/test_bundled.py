import numpy as np
import torch
from sklearn.datasets import load_diabetes, load_digits

from ddlib import datasets


def test_diabetes_has_columns_of_unit_variance_and_a_centred_label():
    table, bunch = datasets.diabetes(), load_diabetes()
    assert table.x.dtype == torch.float64 and table.x.shape == (442, 10) and len(table.names) == 10
    torch.testing.assert_close(table.x.std(0, correction=0), torch.ones(10).double())
    assert table.x.mean(0).abs().max() < 1e-14 and abs(table.y.mean().item()) < 1e-10
    np.testing.assert_allclose(table.x / 442**0.5, bunch.data, atol=1e-12)  # scikit-learn's columns have norm one
    np.testing.assert_allclose(table.y - table.y[0], bunch.target - bunch.target[0])


def test_digits_are_grey_values_from_zero_to_one():
    images, bunch = datasets.digits(), load_digits()
    assert images.x.dtype == torch.float64 and images.x.shape == (1797, images.side**2)
    assert images.x.min() == 0 and images.x.max() == 1
    np.testing.assert_array_equal(images.x.view(-1, 8, 8) * 16, bunch.images)
    np.testing.assert_array_equal(images.label, bunch.target)
    assert images.label.dtype == torch.int64 and images.label.unique().tolist() == list(range(10))
