r"""Random forests of regression trees by scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from sklearn.ensemble import RandomForestRegressor
from torch import Tensor

from ddlib.learners.check import no_negative_weight, number_labels, whole_number
from ddlib.problem import Distilled


class Forests(NamedTuple):
    """Fitted forests, one per replicate.

    Attributes:
        fitted: the forests, None for a replicate without data.
        batch: the shape of the replicates.
    """

    fitted: Sequence[Any]
    batch: torch.Size


@dataclass(frozen=True)
class RegressionForest:
    r"""A random forest of regression trees (Breiman 2001).

    .. math:: f(x) = \frac1T \sum_{t=1}^T f_t(x)

    Each tree :math:`f_t` is grown to the end on its own bootstrap sample and gives the mean label in the leaf of x. The weights are
    scikit-learn's sample weights; rows of weight zero are left out. The function is piecewise constant: it has no derivatives.

    Args:
        trees: their number T.
        name: how tables and figures call it.

    Raises:
        ValueError: if there is no tree.
    """

    trees: int = 100
    name: str = "random forest"

    def __post_init__(self) -> None:
        whole_number(self.trees, "the number of trees of a forest")

    def fit(self, data: Distilled, generator: torch.Generator | None = None) -> Forests:
        """One forest per replicate.

        Args:
            data: rows x of shape (R, m, d), labels y of shape (R, m), weights w of shape (R, m).
            generator: the source of one seed per replicate; without it, the seed is 0 for each.

        Raises:
            ValueError: if labels are vectors, or a weight is negative.
        """
        number_labels(data)
        no_negative_weight(data)
        batch = data.w.shape[:-1]
        seeds = [0] * batch.numel()
        if generator is not None:
            seeds = torch.randint(2**31 - 1, (len(seeds),), generator=generator, device=generator.device).tolist()
        x, y, w = (part.detach().cpu().numpy() for part in (data.x.expand(*batch, -1, -1), data.y.expand(*batch, -1), data.w))
        fitted = []
        for seed, index in zip(seeds, np.ndindex(*batch), strict=True):
            kept = w[index] > 0
            forest = RandomForestRegressor(self.trees, random_state=seed, n_jobs=1)
            fitted.append(forest.fit(x[index][kept], y[index][kept], w[index][kept]) if kept.any() else None)
        return Forests(fitted, batch)

    def predict(self, model: Forests, x: Float[Tensor, "*R n d"]) -> Float[Tensor, "*R n"]:
        """The mean of the trees; zero where a replicate has no data."""
        batch = np.broadcast_shapes(model.batch, x.shape[:-2])
        rows = x.detach().expand(*batch, -1, -1).cpu().numpy()
        which = np.broadcast_to(np.arange(len(model.fitted)).reshape(model.batch), batch)
        found = np.zeros((*batch, x.shape[-2]))
        for index in np.ndindex(*batch):
            forest = model.fitted[int(which[index])]
            if forest is not None and len(rows[index]):
                found[index] = forest.predict(rows[index])
        return torch.as_tensor(found, dtype=x.dtype, device=x.device)
