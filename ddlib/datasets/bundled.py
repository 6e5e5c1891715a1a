"""Real data that come with scikit-learn."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from sklearn.datasets import load_diabetes, load_digits
from torch import Tensor

__all__ = ["Images", "Table", "diabetes", "digits"]


class Table(NamedTuple):
    """A regression data set.

    Attributes:
        x: one row per case, columns of unit variance and mean zero.
        y: the label, centred, in its own unit.
        names: of the columns of x.

    >>> table = diabetes()
    >>> table.names[:3], table.y.shape
    (('age', 'sex', 'bmi'), torch.Size([442]))
    """

    x: Float[Tensor, "n d"]
    y: Float[Tensor, " n"]
    names: tuple[str, ...]


def diabetes(device: str = "cpu") -> Table:
    """The diabetes data of Efron et al. (2004): 442 patients, ten baseline measurements, disease progression a year later.

    Bundled with scikit-learn, which ships columns of norm one; here their variance is one.

    >>> diabetes().x.shape
    torch.Size([442, 10])
    """
    bunch = load_diabetes(scaled=False)
    x = (bunch.data - bunch.data.mean(0)) / bunch.data.std(0)
    y = bunch.target - bunch.target.mean()
    return Table(torch.as_tensor(x, device=device), torch.as_tensor(y, device=device), tuple(bunch.feature_names))


class Images(NamedTuple):
    """Labelled images.

    Attributes:
        x: one image per row, grey values from 0 to 1.
        label: its class, 0 to 9.
        side: height and width in pixels.

    >>> images = digits()
    >>> images.side, images.x[0].unflatten(0, (8, 8)).shape, images.label[:3]
    (8, torch.Size([8, 8]), tensor([0, 1, 2]))
    """

    x: Float[Tensor, "n d"]
    label: Int[Tensor, " n"]
    side: int


def digits(device: str = "cpu") -> Images:
    """Handwritten digits of 8 × 8 pixels: the 1797 test images of Alpaydin and Kaynak (1998), bundled with scikit-learn.

    >>> digits().x.shape
    torch.Size([1797, 64])
    """
    bunch = load_digits()
    return Images(torch.as_tensor(bunch.data / 16, device=device), torch.as_tensor(bunch.target, device=device), 8)
