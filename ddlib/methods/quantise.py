"""Quantisation: few weighted points that are close to all the data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.cluster import KMeans as SklearnKMeans

from ddlib.problem import ClosedForm, Distilled, Task


@dataclass(frozen=True)
class KMeans(ClosedForm):
    r"""Cluster means of (x, y), each weighted by the size of its cluster.

    .. math:: \min_{\mu_1, \dots, \mu_m} \sum_i \min_j \|z_i - \mu_j\|^2, \qquad z_i = (x_i,\, y_i / \operatorname{sd}(y))

    y is scaled to unit variance so that it counts as one more column. (Lloyd 1982; scikit-learn's ``KMeans``.)

    Attributes:
        restarts: independent starts, of which the best is kept.
    """

    name: str = "k_means"
    restarts: int = 4

    def choose(self, task: Task, budget: int, generator: torch.Generator) -> Distilled:
        data = task.train
        scale = data.y.std(-1, keepdim=True)
        joined = torch.cat([data.x, (data.y / scale).unsqueeze(-1)], -1).cpu().numpy()
        seeds = torch.randint(2**31 - 1, (data.replicates,), generator=generator, device=generator.device).tolist()
        centres, sizes = zip(*(self._cluster(rows, budget, seed) for rows, seed in zip(joined, seeds, strict=True)), strict=True)
        points = torch.as_tensor(np.stack(centres)).to(data.x)
        return Distilled(points[..., :-1], points[..., -1] * scale, torch.as_tensor(np.stack(sizes)).to(data.x))

    def _cluster(self, rows: np.ndarray, budget: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        if budget > len(rows):
            raise ValueError(f"k-means cannot make {budget} clusters from {len(rows)} rows: ask for at most as many")
        fitted = SklearnKMeans(budget, n_init=self.restarts, random_state=seed).fit(rows)
        return fitted.cluster_centers_, np.bincount(fitted.labels_, minlength=budget).astype(float)
