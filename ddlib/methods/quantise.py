"""Quantisation: few weighted points that are close to all the data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from sklearn.cluster import KMeans as SklearnKMeans
from torch import Tensor

from ddlib.methods.joined import classes, joined, parted, to_nearest, within_classes
from ddlib.methods.needs import COMPLETE, PLAIN_LABELS
from ddlib.problem import ClosedForm, Distilled, Task
from ddlib.requirement import Requirement

__all__ = ["KMeans"]


@dataclass(frozen=True)
class KMeans(ClosedForm):
    r"""Cluster means of (x, y), each weighted by the summed weight of its cluster.

    .. math:: \min_{\mu_1, \dots, \mu_m} \sum_i w_i \min_j \|z_i - \mu_j\|^2, \qquad z_i = (x_i,\, y_i / \operatorname{sd}(y))

    y is scaled to unit variance so that it counts as one more column. With class labels the budget is split evenly, the rows of
    each class are clustered by themselves, and the means keep the label of their class. (Lloyd 1982; scikit-learn's ``KMeans``.)

    Attributes:
        restarts: independent starts, of which the best is kept.

    >>> from ddlib import distil
    >>> from ddlib.tasks import RidgeTask, as_data
    >>> task = RidgeTask(as_data([[0.0], [2.0], [10.0]], [0.0, 0.0, 5.0]))
    >>> chosen, _ = distil(KMeans(), task, 2, 0, torch.Generator().manual_seed(0))
    >>> sorted(zip(chosen.x.flatten().tolist(), chosen.w.flatten().tolist()))
    [(1.0, 2.0), (10.0, 1.0)]
    """

    name: str = "k_means"
    restarts: int = 4

    @property
    def requires(self) -> tuple[Requirement, ...]:
        """Complete rows."""
        return (COMPLETE, PLAIN_LABELS)

    def choose(self, task: Task, budget: int, generator: torch.Generator) -> Distilled:
        """The cluster means.

        Raises:
            ValueError: if D, or a class of it, has fewer rows of positive weight than clusters.
        """
        for need in (COMPLETE, PLAIN_LABELS):
            need.check(self, task, budget)
        data = task.train
        rows = joined(data).cpu().numpy()

        def cluster(w: Float[Tensor, "R n"], count: int) -> Distilled:
            seeds = torch.randint(2**31 - 1, (data.replicates,), generator=generator, device=generator.device).tolist()
            replicates = zip(rows, w.cpu().numpy(), seeds, strict=True)
            centres, sizes = zip(*(self._cluster(*replicate, count) for replicate in replicates), strict=True)
            x, y = parted(torch.as_tensor(np.stack(centres)).to(data.x), data)
            if classes(data) is not None:  # the class's own label, free of rounding
                first = (w > 0).int().argmax(-1)[:, None, None]
                y = data.y.take_along_dim(first, 1).expand_as(y)
            return Distilled(x, y, torch.as_tensor(np.stack(sizes)).to(data.x))

        return within_classes(data, budget, cluster, "clusters")

    def surrogate(self, task: Task, distilled: Distilled, generator: torch.Generator | None = None) -> Float[Tensor, " R"]:
        r"""The quantisation error, which is the squared Wasserstein distance of D from the best weighting of S.

        .. math:: W_2^2 = \frac{\sum_i w_i \min_j \|z_i - s_j\|^2}{\sum_i w_i}

        The nearest row of S may be of another class, so with class labels this can be a little less than what was minimised.
        """
        data = task.train
        return (data.w * (to_nearest(data, distilled) ** 2).sum(-1)).sum(-1) / data.w.sum(-1)

    def _cluster(self, rows: np.ndarray, w: np.ndarray, seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
        """One replicate. Rows of weight zero say nothing and are left out."""
        rows, w = rows[w > 0], w[w > 0]
        fitted = SklearnKMeans(count, n_init=self.restarts, random_state=seed).fit(rows, sample_weight=w)
        return fitted.cluster_centers_, np.bincount(fitted.labels_, weights=w, minlength=count)
