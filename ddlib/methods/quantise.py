"""Quantisation: few weighted points that are close to all the data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from sklearn.cluster import KMeans as SklearnKMeans
from torch import Tensor

from ddlib.problem import ClosedForm, Distilled, Task


@dataclass(frozen=True)
class KMeans(ClosedForm):
    r"""Cluster means of (x, y), each weighted by the summed weight of its cluster.

    .. math:: \min_{\mu_1, \dots, \mu_m} \sum_i w_i \min_j \|z_i - \mu_j\|^2, \qquad z_i = (x_i,\, y_i / \operatorname{sd}(y))

    y is scaled to unit variance so that it counts as one more column. (Lloyd 1982; scikit-learn's ``KMeans``.)

    Attributes:
        restarts: independent starts, of which the best is kept.
    """

    name: str = "k_means"
    restarts: int = 4

    def choose(self, task: Task, budget: int, generator: torch.Generator) -> Distilled:
        data = task.train
        scale = label_scale(data)
        joined = torch.cat([data.x, (data.y / scale).unsqueeze(-1)], -1).cpu().numpy()
        seeds = torch.randint(2**31 - 1, (data.replicates,), generator=generator, device=generator.device).tolist()
        replicates = zip(joined, data.w.cpu().numpy(), seeds, strict=True)
        centres, sizes = zip(*(self._cluster(rows, w, budget, seed) for rows, w, seed in replicates), strict=True)
        points = torch.as_tensor(np.stack(centres)).to(data.x)
        return Distilled(points[..., :-1], points[..., -1] * scale, torch.as_tensor(np.stack(sizes)).to(data.x))

    def _cluster(self, rows: np.ndarray, w: np.ndarray, budget: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """One replicate. Rows of weight zero say nothing and are left out."""
        rows, w = rows[w > 0], w[w > 0]
        if budget > len(rows):
            raise ValueError(f"k-means cannot make {budget} clusters from {len(rows)} rows: ask for at most as many")
        fitted = SklearnKMeans(budget, n_init=self.restarts, random_state=seed).fit(rows, sample_weight=w)
        return fitted.cluster_centers_, np.bincount(fitted.labels_, weights=w, minlength=budget)


def label_scale(data: Distilled) -> Float[Tensor, "R 1"]:
    """The weighted standard deviation of y, which makes labels one more column; one where the labels are all the same."""
    share = data.w / data.w.sum(-1, keepdim=True)
    mean = (share * data.y).sum(-1, keepdim=True)
    deviation = (share * (data.y - mean) ** 2).sum(-1, keepdim=True).sqrt()
    rounding = 64 * torch.finfo(data.y.dtype).eps * data.y.abs().amax(-1, keepdim=True)
    return torch.where(deviation > rounding, deviation, torch.ones_like(deviation))
