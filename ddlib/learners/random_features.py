"""Any learner on random features of a network, which need no training and take units of any shape."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.arguments import is_whole
from ddlib.distilled import Distilled
from ddlib.learners.kernel_ridge import KernelRidge
from ddlib.learners.kernels import Linear
from ddlib.protocols import Learner, Parametric

__all__ = ["RandomFeatures"]


@dataclass(frozen=True)
class RandomFeatures:
    r"""A learner that sees units through K untrained networks, always the same ones.

    .. math:: z(x) = (K h)^{-1/2} \bigl(h_{\theta_1}(x), \dots, h_{\theta_K}(x)\bigr), \qquad \theta_k \text{ drawn once}

    With kernel ridge regression this is random-feature regression (Rahimi and Recht 2007), whose kernel tends to that of the
    network's Gaussian process; kernel inducing points from it work on images (Loo, Hasani, Amini and Rus 2022).

    Attributes:
        network: whose last hidden layer, of width h, gives the features.
        learner: what learns from them.
        draws: K.
        seed: of the networks.
        name: how tables call it.

    >>> from ddlib.learners import Network
    >>> learner = RandomFeatures(Network((32,)), draws=4)
    >>> line = Distilled(torch.linspace(0, 1, 6).view(1, 6, 1), torch.linspace(0, 2, 6).view(1, 6), torch.ones(1, 6))
    >>> bool((learner.predict(learner.fit(line), line.x) - line.y).abs().max() < 0.1)
    True
    """

    network: Parametric
    learner: Learner = field(default_factory=lambda: KernelRidge(Linear(), 1e-3))
    draws: int = 8
    seed: int = 0
    name: str = "random features"

    def __post_init__(self) -> None:
        if not is_whole(self.draws):
            raise ValueError(f"random features need at least 1 network, but draws is {self.draws}")

    @property
    def any_shape(self) -> bool:
        """Whether the network takes units of any shape."""
        return getattr(self.network, "any_shape", False)

    @property
    def deterministic(self) -> bool:
        """Whether the learner draws nothing; the networks are drawn once."""
        return getattr(self.learner, "deterministic", False)

    def fit(self, data: Distilled, generator: torch.Generator | None = None) -> Any:
        """The model learned from the features of a set."""
        return self.learner.fit(data._replace(x=self._features(data.x, data.w.ndim - 1)), generator)

    def predict(self, model: Any, x: Float[Tensor, "R n *unit"]) -> Float[Tensor, "*R n *label"]:
        """What the learner says of the units' features."""
        return self.learner.predict(model, self._features(x, 1))

    def _features(self, x: Tensor, axes: int) -> Float[Tensor, "*R n h"]:
        batch, rows = x.shape[:axes], x.flatten(0, axes - 1)
        seen = self.network.features(self._parameters(rows), rows).movedim(0, -2).flatten(-2)
        return (seen / math.sqrt(seen.shape[-1])).unflatten(0, batch)

    def _parameters(self, x: Float[Tensor, "R n *unit"]) -> Float[Tensor, "K 1 P"]:
        """The networks' parameters, drawn for units of this shape once."""
        held: dict[Any, Tensor] = self.__dict__.setdefault("drawn", {})
        kind = (x.shape[2:], x.dtype, x.device)
        if kind not in held:
            units = x.detach()[:1, :1].to("cpu")
            like = Distilled(
                units.expand(self.draws, *units.shape), units.new_zeros(self.draws, 1, 1), units.new_ones(self.draws, 1, 1)
            )
            held[kind] = self.network.initial(like, torch.Generator().manual_seed(self.seed)).detach().to(x.device)
        return held[kind]
