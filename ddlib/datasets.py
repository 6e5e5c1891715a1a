"""Real data, bundled or downloaded. Knows nothing of the rest of the library."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from sklearn.datasets import load_diabetes
from torch import Tensor


class Table(NamedTuple):
    """A regression data set.

    Attributes:
        x: one row per case, columns of unit variance and mean zero.
        y: the label, centred, in its own unit.
        names: of the columns of x.
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
