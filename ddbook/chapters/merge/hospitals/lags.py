"""How long a patient's values remember themselves: correlations over visits, in the data and under two models."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ddbook.chapters.merge.hospitals.twins import Fitted
from ddlib.dbn.estimators.levels import level_joint
from ddlib.dbn.model.network import Gaussian, joint


class Lags(NamedTuple):
    """Correlation of a variable with itself some visits later, averaged over variables: in the data and as two models have it."""

    data: Float[Tensor, " l"]
    network: Float[Tensor, " l"]
    levels: Float[Tensor, " l"]


def lag_correlations(fitted: Fitted) -> Lags:
    """Correlations over 1 to T − 1 visits, in all patients, and as the network without and with static levels gives them.

    The data's are available-case, averaged over all pairs of visits so far apart. Both models are fitted to these very records.
    """
    slices = fitted.scaled.shape[1]
    laws = joint(fitted.network, slices), level_joint(fitted.levels, slices)
    return Lags(_data_lags(fitted.scaled), *(_law_lags(law, slices) for law in laws))


def _data_lags(values_: Float[Tensor, "n T p"]) -> Float[Tensor, " l"]:
    slices = values_.shape[1]
    found = []
    for lag in range(1, slices):
        first, second = values_[:, : slices - lag].flatten(0, 1), values_[:, lag:].flatten(0, 1)
        both = first.isfinite() & second.isfinite()
        each = [torch.corrcoef(torch.stack([first[seen, i], second[seen, i]]))[0, 1] for i, seen in enumerate(both.unbind(1))]
        found.append(torch.stack(each).mean())
    return torch.stack(found)


def _law_lags(law: Gaussian, slices: int) -> Float[Tensor, " l"]:
    deviation = law.covariance[0].diagonal().sqrt()
    correlation = (law.covariance[0] / (deviation.unsqueeze(-1) * deviation)).unflatten(0, (slices, -1)).unflatten(2, (slices, -1))
    own = correlation.diagonal(dim1=1, dim2=3)  # visit, visit, variable
    return torch.stack([torch.stack([own[t, t + lag] for t in range(slices - lag)]).mean() for lag in range(1, slices)])
