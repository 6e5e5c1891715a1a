r"""DeepXDE, an independent implementation: the same problems in its words, reference PINNs, and retraining of distilled sets.

Needs the ``book`` extra. DeepXDE's default precision, its random numbers and torch's default device are global; all are put back
after each call.
"""

from __future__ import annotations

import contextlib
import os
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.extras import needed
from ddlib.learners.check import positive_number, whole_number
from ddlib.pinn.data import Physics
from ddlib.pinn.learners.networks import TanhNetwork, dtype_of
from ddlib.pinn.problems.problem import Problem, known_problem
from ddlib.problem import Distilled

__all__ = ["Reference", "geometry", "load", "parameters", "session", "train"]


def load() -> Any:
    """The package ``deepxde`` with its torch backend, without a configuration file in the home folder or another default device.

    Raises:
        ValueError: if it was already imported with another backend.

    >>> load().backend.backend_name
    'pytorch'
    """
    os.environ.setdefault("DDE_BACKEND", "pytorch")  # else the import writes ~/.deepxde/config.json
    device = torch.get_default_device()
    try:
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere), contextlib.redirect_stdout(nowhere):  # noqa: PTH123
            deepxde = needed("deepxde", "deepxde")
    finally:
        if torch.get_default_device() != device:  # a GPU, where there is one
            torch.set_default_device(None if device.type == "cpu" else device)
    if deepxde.backend.backend_name != "pytorch":
        raise ValueError(f"DeepXDE runs on {deepxde.backend.backend_name}: set DDE_BACKEND=pytorch before it is imported")
    return deepxde


@contextlib.contextmanager
def session(seed: int, precision: str = "float64") -> Iterator[Any]:
    """DeepXDE with a seed and a precision of its own; all that it changes globally is put back.

    >>> with session(seed=0, precision="float32") as dde:
    ...     inside = dde.config.default_float()
    >>> inside
    'float32'
    """
    dde = load()
    before, dtype = dde.config.default_float(), torch.get_default_dtype()
    place = contextlib.nullcontext() if torch.get_default_device().type == "cpu" else torch.device("cpu")
    ours, numpys = random.getstate(), np.random.get_state()  # noqa: NPY002
    deterministic = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.deterministic
    with place, torch.random.fork_rng(), open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):  # noqa: PTH123
        try:
            dde.config.set_default_float(precision)
            dde.config.set_random_seed(seed)
            yield dde
        finally:
            dde.config.set_default_float(before)
            torch.set_default_dtype(dtype)
            torch.use_deterministic_algorithms(deterministic[0])
            torch.backends.cudnn.deterministic = deterministic[1]
            random.setstate(ours)
            np.random.set_state(numpys)  # noqa: NPY002


@dataclass(frozen=True, eq=False)
class Reference:
    """A network that DeepXDE trained.

    Attributes:
        net: the torch module.
        losses: the loss's parts after the last step.

    >>> net = torch.nn.Linear(2, 1)
    >>> Reference(net, (0.5,)).predict(torch.zeros(1, 3, 2)).shape
    torch.Size([1, 3])
    """

    net: torch.nn.Module
    losses: tuple[float, ...]

    @torch.no_grad()
    def predict(self, units: Float[Tensor, "*R n d"]) -> Float[Tensor, "*R n"]:
        """The network's output at units."""
        like = next(self.net.parameters())
        return self.net(units.flatten(0, -2).to(like)).unflatten(0, units.shape[:-1]).squeeze(-1).to(units)


def geometry(dde: Any, problem: Problem, low: float, high: float) -> Any:
    """The domain with α as one more coordinate, from low to high.

    >>> from ddlib.pinn import Poisson
    >>> geometry(load(), Poisson(), low=0.0, high=2.0).dim
    2
    """
    ends = [*problem.box, (low, high)]
    return dde.geometry.Hypercube([float(a) for a, _ in ends], [float(b) for _, b in ends])


def train(
    problem: Problem,
    data: Distilled | None = None,
    physics: Physics | None = None,
    at_set: bool = False,
    widths: Sequence[int] = (32, 32, 32),
    steps: int = 2000,
    lr: float = 1e-3,
    seed: int = 0,
    precision: str = "float64",
) -> Reference:
    """Train one network by DeepXDE, on labels, on the equation, or on both: mean squares with weights of one.

    With physics and no data this is the reference PINN; with a distilled set and ``at_set`` the published learner; with a set alone
    a plain network. DeepXDE knows no weights of rows.

    Args:
        problem: the family.
        data: one replicate of labelled units, each of weight one.
        physics: one replicate of points of the equation and of boundary values.
        at_set: whether the equation is asked for at the data's units.
        widths: of the hidden layers.
        steps: of Adam.
        lr: its step size.
        seed: of the initial weights.
        precision: ``"float64"`` or ``"float32"``.

    Raises:
        ValueError: if there is more than one replicate, a weight is not one, a number is not finite, units are not the problem's,
            nothing is asked, or no such network or training exists.

    >>> from ddlib.pinn import Poisson
    >>> rows = Poisson().rows(torch.linspace(-1, 1, 9).double().view(1, 9, 1), torch.ones(1, 9).double())
    >>> train(Poisson(), rows, widths=(4,), steps=2).predict(rows.x).shape
    torch.Size([1, 9])
    """
    known_problem(problem)
    whole_number(steps, "the number of steps of Adam")
    positive_number(lr, "the step size of Adam")
    dtype_of(precision)
    if not widths:
        raise ValueError("the network needs a hidden layer at least: give its widths, such as (32, 32, 32)")
    for width in widths:
        whole_number(width, "the width of a hidden layer")
    points = ([physics.interior] if physics is not None else []) + ([data.x] if at_set and data is not None else [])
    values = ([data] if data is not None else []) + ([physics.boundary] if physics is not None else [])
    points, values = [part for part in points if part.shape[-2]], [part for part in values if part.budget]
    if not points and not values:
        raise ValueError("there is nothing to train on: give data or physics")
    units = [*points, *(part.x for part in values)]
    if any(part.ndim != 3 or len(part) != 1 for part in units) or not all(bool((part.w == 1).all()) for part in values):
        raise ValueError(
            "DeepXDE trains one network on rows of weight one: give one replicate, shape (1, m, d), with weights of one"
        )
    for part in units:
        problem.split(part)  # refuses other columns
    if not all(bool(part.isfinite().all()) for part in (*units, *(rows.y for rows in values))):
        raise ValueError("the units or labels hold NaN or infinity: drop or mend these rows first")
    interior = torch.cat(points, -2)[0].detach().cpu().numpy() if points else np.zeros((0, problem.dimension))
    tables = [
        (part.x[0].detach().cpu().numpy(), part.y[0, :, None].detach().cpu().numpy()) for part in values
    ]  # (N, 1): else broadcast
    every = np.concatenate([interior, *(x for x, _ in tables)])
    low, high = float(every[:, -1].min()), float(every[:, -1].max())
    with session(seed, precision) as dde:
        kind = dde.config.real(np)
        conditions = [dde.icbc.PointSetBC(x.astype(kind), y.astype(kind)) for x, y in tables]
        equation: Callable[[Tensor, Tensor], Tensor] | None = None
        if len(interior):

            def equation(z: Tensor, u: Tensor) -> Tensor:
                return problem.deepxde(dde, z, u)

        anchors = interior.astype(kind) if len(interior) else None
        inside = dde.data.PDE(
            geometry(dde, problem, low - 1, high + 1), equation, conditions, num_domain=0, num_boundary=0, anchors=anchors
        )
        net = dde.nn.FNN([problem.dimension, *widths, 1], "tanh", "Glorot uniform")
        model = dde.Model(inside, net)
        model.compile("adam", lr=lr, verbose=0)
        losses, _ = model.train(iterations=steps, display_every=steps, verbose=0)
        last = tuple(float(part) for part in np.atleast_1d(losses.loss_train[-1]))
    return Reference(net, last)


def parameters(network: TanhNetwork, theta: Float[Tensor, " P"], dimension: int, precision: str = "float64") -> torch.nn.Module:
    """DeepXDE's network with the parameters of one of ours.

    >>> network = TanhNetwork((4,))
    >>> net = parameters(network, torch.zeros(network.parameters(2), dtype=torch.float64), dimension=2)
    >>> net(torch.zeros(3, 2, dtype=torch.float64)).abs().max().item()
    0.0
    """
    with session(0, precision) as dde:
        net = dde.nn.FNN([dimension, *network.widths, 1], "tanh", "Glorot uniform")
    with torch.no_grad():
        for linear, layer in zip(net.linears, network.layers(theta, dimension), strict=True):
            linear.weight.copy_(layer.weight[:-1].T)
            linear.bias.copy_(layer.weight[-1])
    return net
