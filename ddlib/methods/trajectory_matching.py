"""Trajectory matching: sets on which training goes where training on the data goes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.learners.network import Network
from ddlib.learners.training import Training
from ddlib.methods.descent import Descent
from ddlib.methods.needs import ROWS, batched, check_network, held, several, shown
from ddlib.problem import Distilled, Task
from ddlib.protocols import Parametric
from ddlib.requirement import Requirement

__all__ = ["Experts", "TrajectoryMatching", "from_moments", "matched_moments"]


class Experts(NamedTuple):
    """What an update looks at.

    Attributes:
        paths: of each expert the parameters before the first step and after each, shape (E, T, R, P).
        lr: the student's step size for each replicate; None for that of its training.

    >>> Experts(torch.zeros(1, 31, 2, 5), lr=None).paths.shape
    torch.Size([1, 31, 2, 5])
    """

    paths: Float[Tensor, "E T R P"]
    lr: Float[Tensor, "R 1"] | None


@dataclass(frozen=True)
class TrajectoryMatching(Descent):
    r"""Gradient descent on where a student that trains on S ends, against the expert that trained on D (Cazenavette et al. 2022).

    .. math:: \phi(S) = \frac{\|\hat\theta_{t+N}(S) - \theta_{t+M}\|^2}{\|\theta_t - \theta_{t+M}\|^2}

    :math:`\theta_0, \theta_1, \dots` is the path of an expert, t a random age up to ``latest``, and the student makes N steps from
    :math:`\theta_t`. With ``relative`` the step sizes count in units of one over the largest eigenvalue of D's (mean) second
    moments, the curvature of the linear model, in which descent diverges beyond two.

    Without hidden layers and with full-batch descent of one step size, theory knows the optimum: :func:`matched_moments`.

    Attributes:
        network: the function class and its loss.
        expert: the training on D; as many steps as the path is long.
        student: N steps on S.
        stride: M, the expert's steps that they shall stand for.
        latest: the largest age t at which a student begins.
        experts: paths to draw from.
        batch: units of D that a step of an expert takes; None: all.
        relative: whether step sizes of plain descent are in units of the inverse curvature.

    >>> from ddlib import distil
    >>> from ddlib.tasks import RidgeTask, as_data
    >>> task = RidgeTask(as_data([[1.0], [2.0], [3.0], [4.0]], [1.0, 2.0, 3.0, 5.0]))
    >>> method = TrajectoryMatching(learn=("x", "y"))
    >>> distil(method, task, 2, 5, torch.Generator().manual_seed(0)).distilled.x.shape
    torch.Size([1, 2, 1])
    """

    name: str = "trajectory_matching"
    network: Parametric = field(default_factory=lambda: Network(widths=(), bias=False))
    expert: Training = field(default_factory=lambda: Training(steps=30, lr=0.5, optimiser="sgd"))
    student: Training = field(default_factory=lambda: Training(steps=5, lr=0.5, optimiser="sgd"))
    stride: int = 10
    latest: int = 20
    experts: int = 1
    relative: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        check_network(self.network)
        if not (self.stride >= 1 and 0 <= self.latest <= self.expert.steps - self.stride and self.student.steps >= 1):
            raise ValueError(
                f"the expert's {self.expert.steps} steps must reach {self.stride} (stride) beyond {self.latest} (latest), and the "
                "student needs at least 1 step: give the expert more steps"
            )
        if self.experts < 1:
            raise ValueError(f"trajectory matching needs at least 1 expert, but experts is {self.experts}")

    @property
    def requires(self) -> tuple[Requirement, ...]:
        """Complete labelled rows, and a gradient."""
        *before, gradient = super().requires
        return (*before, *ROWS, gradient)

    def remember(self, task: Task, generator: torch.Generator) -> Experts:
        """The experts' paths, and the step sizes."""
        for need in ROWS:
            need.check(self, held(task, self.batch, generator), 1)
        data = shown(self.network, held(task, self.batch, generator).train)
        start = self.network.initial(several(data, self.experts), generator)
        curvature = self._curvature(data)
        with torch.no_grad():
            step = _step(self.expert, curvature)
            path = self.expert.path(lambda theta: self.network.loss(theta, self._some(task, generator)), start, lr=step)
            return Experts(torch.stack(list(path), -3), _step(self.student, curvature))

    def surrogate(self, task: Task, distilled: Distilled, generator: torch.Generator, memory: Any = None) -> Float[Tensor, " R"]:
        """The relative squared distance between the student's end and the expert's, from one random age of one random expert."""
        paths, lr = self.remember(task, generator) if memory is None else memory
        which = int(torch.randint(self.experts, (), generator=generator, device=generator.device))
        age = int(torch.randint(self.latest + 1, (), generator=generator, device=generator.device))
        start, goal = paths[which, age], paths[which, age + self.stride]
        points = shown(self.network, distilled)
        end = self.student.run(lambda theta: self.network.loss(theta, points), start, lr=lr)
        moved = (start - goal).square().sum(-1)
        return (end - goal).square().sum(-1) / torch.where(moved > 0, moved, torch.ones_like(moved))

    def looked_at(self, task: Task, generator: torch.Generator) -> Task:
        """The task as it is: an update looks at the experts' paths, whose steps take the batches."""
        return task

    def _some(self, task: Task, generator: torch.Generator) -> Distilled:
        return shown(self.network, batched(task, self.batch, generator).train)

    def _curvature(self, data: Distilled) -> Float[Tensor, " R"] | None:
        """The largest eigenvalue of D's second moments; None for step sizes that are absolute."""
        if not self.relative:
            return None
        rows = data.rows().x * data.w.sqrt().unsqueeze(-1)
        largest = torch.linalg.matrix_norm(rows, 2).square()
        return largest / data.w.sum(-1) if self.network.mean else largest


def _step(training: Training, curvature: Float[Tensor, " R"] | None) -> Float[Tensor, "R 1"] | None:
    """Each replicate's step size of plain descent; None for that of the training."""
    return None if curvature is None or training.optimiser != "sgd" else training.lr / curvature.unsqueeze(-1)


def matched_moments(data: Distilled, lr: float, student: int, stride: int) -> tuple[Float[Tensor, "R d d"], Float[Tensor, "R d"]]:
    r"""Second moments of a set on which N steps of full-batch descent go exactly where M steps on D go, from every start.

    .. math:: A_S = \frac{I - (I - \eta A)^{M/N}}{\eta}, \qquad b_S = A_S\, \theta^*, \qquad \theta^* = A^{-1} b,

    for :math:`\tfrac12 \|y - X\theta\|^2` with :math:`A = X^\top X, b = X^\top y`. The minimiser is kept; the curvature is not, so
    a ridge regression on S learns another model than on D. Such a set has at least d points. (Derived for this project.)

    Args:
        data: rows x of shape (R, n, d), labels y of shape (R, n), weights w of shape (R, n).
        lr: the step size :math:`\eta` of the summed loss, of student and expert alike.
        student: N.
        stride: M.

    Raises:
        ValueError: if :math:`\eta \lambda_{\max} > 1` and M/N is not an integer: then no real set exists.

    >>> data = Distilled(torch.ones(1, 1, 1), torch.ones(1, 1), torch.ones(1, 1))
    >>> [round(part.item(), 3) for part in matched_moments(data, lr=0.5, student=1, stride=2)]
    [1.5, 1.5]
    """
    rows = data.x * data.w.sqrt().unsqueeze(-1)
    values, vectors = torch.linalg.eigh(rows.mT @ rows)
    if bool((lr * values > 1 + 1e-12).any()) and stride % student:
        raise ValueError(
            f"with a step size of {lr} the curvature overshoots, and {stride}/{student} steps are no whole number: lower it"
        )
    shrink = 1 - lr * values
    power = shrink ** (stride // student) if stride % student == 0 else shrink.clamp(min=0) ** (stride / student)
    moments = vectors @ torch.diag_embed((1 - power) / lr) @ vectors.mT
    labels = (data.y * data.w.sqrt()).unsqueeze(-1)
    solution = torch.linalg.lstsq(rows, labels, driver="gels").solution  # the default's last bits depend on where memory lies
    return moments, (moments @ solution).squeeze(-1)


def from_moments(moments: Float[Tensor, "R d d"], products: Float[Tensor, "R d"]) -> Distilled:
    r"""d points with :math:`X_S^\top X_S = A` and :math:`X_S^\top y_S = b`: the rows of :math:`A^{1/2}`.

    Raises:
        ValueError: if A has a negative eigenvalue.

    >>> points = from_moments(torch.tensor([[[4.0]]]), torch.tensor([[2.0]]))
    >>> round((points.x.mT @ points.x).item(), 3)
    4.0
    """
    values, vectors = torch.linalg.eigh(moments)
    floor = 64 * torch.finfo(values.dtype).eps * values[..., -1:].abs()
    if bool((values < -floor).any()):
        raise ValueError(f"no set has second moments with a negative eigenvalue, but one is {values.min().item():.3g}")
    root = values.clamp(min=0).sqrt()
    kept = values > floor
    x = root.unsqueeze(-1) * vectors.mT
    y = torch.where(kept, (vectors.mT @ products.unsqueeze(-1)).squeeze(-1) / torch.where(kept, root, torch.ones_like(root)), 0.0)
    return Distilled(x, y, torch.ones_like(y))
