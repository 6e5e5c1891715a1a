r"""Kernel collocation: functions that satisfy values and equations at points, in closed form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.learners.check import positive_number, positive_penalty, unsolved, whole_number, zero_or_more
from ddlib.pinn.data import Physics
from ddlib.pinn.problems.problem import Jet, Problem, known_problem
from ddlib.problem import Distilled

__all__ = ["ARD", "Collocated", "Functionals", "KernelCollocation", "collocate", "values_of"]

_DERIVATIVES = ((0, 0), (1, 0), (2, 0), (0, 1))  # of u, u_x, u_xx, u_t in x and in t
_HERMITE: tuple[Callable[[Tensor], Tensor], ...] = (
    torch.ones_like,
    lambda r: r,
    lambda r: r**2 - 1,
    lambda r: r**3 - 3 * r,
    lambda r: r**4 - 6 * r**2 + 3,
)


@dataclass(frozen=True)
class ARD:
    r"""The Gaussian kernel with one length for each column of a unit (automatic relevance determination), and its derivatives.

    .. math::
        k(z, z') = \exp\Bigl(-\tfrac12 \sum_j \frac{(z_j - z'_j)^2}{\ell_j^2}\Bigr), \qquad
        \frac{\partial^p}{\partial x^p} \frac{\partial^q}{\partial x'^q} k = \frac{(-1)^p}{\ell^{p + q}}\,
        \mathrm{He}_{p+q}\Bigl(\frac{x - x'}{\ell}\Bigr)\, k

    Attributes:
        lengths: :math:`\ell_j`, of x, of t where there is time, and of α.

    >>> ARD((1.0, 2.0))(torch.zeros(1, 2), torch.tensor([[0.0, 0.0], [1.0, 2.0]])).round(decimals=4)
    tensor([[1.0000, 0.3679]])
    """

    lengths: tuple[float, ...]

    def __post_init__(self) -> None:
        for length in self.lengths:
            positive_number(length, "the length of a kernel")

    def __call__(self, a: Float[Tensor, "*R n d"], b: Float[Tensor, "*R m d"]) -> Float[Tensor, "*R n m"]:
        return self._value(self._apart(a, b))

    def between(
        self,
        a: Float[Tensor, "*R n d"],
        b: Float[Tensor, "*R m d"],
        of_a: Float[Tensor, "*R n 4"] | None = None,
        of_b: Float[Tensor, "*R m 4"] | None = None,
    ) -> Float[Tensor, "*R n m"]:
        """The kernel with a linear functional of u, u_x, u_xx, u_t applied on either side; None stands for the value."""
        apart = self._apart(a, b)
        kernel = self._value(apart)
        if of_a is None and of_b is None:
            return kernel
        value = torch.eye(1, 4, dtype=a.dtype, device=a.device)
        left, right = (value if of is None else of for of in (of_a, of_b))
        total = torch.zeros_like(kernel)
        for i, (p_x, p_t) in enumerate(_DERIVATIVES):
            for j, (q_x, q_t) in enumerate(_DERIVATIVES):
                if (of_a is None and i) or (of_b is None and j) or (a.shape[-1] < 3 and 3 in (i, j)):
                    continue
                factor = (-1.0) ** (p_x + p_t) * _HERMITE[p_x + q_x](apart[0]) / self.lengths[0] ** (p_x + q_x)
                if p_t + q_t:
                    factor = factor * _HERMITE[p_t + q_t](apart[1]) / self.lengths[1] ** (p_t + q_t)
                total = total + left[..., i].unsqueeze(-1) * right[..., j].unsqueeze(-2) * factor
        return total * kernel

    def _apart(self, a: Tensor, b: Tensor) -> list[Tensor]:
        """The scaled differences of each column."""
        if a.shape[-1] != len(self.lengths):
            raise ValueError(f"the kernel has {len(self.lengths)} lengths, but units have {a.shape[-1]} columns: give one for each")
        return [(a[..., j].unsqueeze(-1) - b[..., j].unsqueeze(-2)) / length for j, length in enumerate(self.lengths)]

    @staticmethod
    def _value(apart: list[Tensor]) -> Tensor:
        total = apart[0].square()
        for part in apart[1:]:
            total = total.addcmul(part, part)
        return torch.exp(-0.5 * total)


def length_pairs(lengths: object) -> None:
    """Raise a ValueError unless it is a family of kernels: pairs of lengths, along the coordinates and along α."""
    if not isinstance(lengths, tuple | list) or not lengths:
        raise ValueError("the family needs a kernel at least: give its two lengths, as in ((0.3, 0.5),)")
    for pair in lengths:
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise ValueError(
                f"a kernel of the family has two lengths, along the coordinates and along α, but one has {pair!r}: give pairs, as "
                "in ((0.3, 0.5),)"
            )
        for length in pair:
            positive_number(length, "the length of a kernel")


class Functionals(NamedTuple):
    """Linear conditions on a function: the sum of coefficients × (u, u_x, u_xx, u_t) at a unit is to be a value.

    Attributes:
        points: the units, shape (R, n, d).
        coefficients: of u, u_x, u_xx and u_t, shape (R, n, 4).
        values: shape (R, n).
        weights: of the squared misses, shape (R, n).

    >>> units, one = torch.tensor([[0.5, 1.0]]), torch.ones(1)
    >>> Functionals(units, torch.tensor([[0.0, 1.0, 0.0, 0.0]]), 2 * one, one).values  # u_x is to be 2 at x = 0.5 for α = 1
    tensor([2.])
    """

    points: Float[Tensor, "*R n d"]
    coefficients: Float[Tensor, "*R n 4"]
    values: Float[Tensor, "*R n"]
    weights: Float[Tensor, "*R n"]


def values_of(data: Distilled, weight: float = 1.0) -> Functionals:
    """The conditions that the function has the data's labels; the data's weights are multiplied by ``weight``.

    >>> values_of(Distilled(torch.zeros(1, 1, 2), torch.ones(1, 1), torch.ones(1, 1)), weight=0.5).weights
    tensor([[0.5000]])
    """
    coefficients = torch.eye(1, 4, dtype=data.x.dtype, device=data.x.device).expand(*data.w.shape, 4)
    return Functionals(data.x, coefficients, data.y, weight * data.w)


def linearise(problem: Problem, units: Float[Tensor, "*R k d"], at: Jet | None = None, weight: float = 1.0) -> Functionals:
    r"""The equation at units, linearised at a function's jet :math:`j_0`: :math:`r'(j_0)\, j = r'(j_0)\, j_0 - r(j_0)`.

    Args:
        problem: whose equation.
        units: where.
        at: the jet; None: zero, which is exact for an equation that is affine in u.
        weight: of each squared miss; it counts in units of the problem's scale squared.
    """
    zero = units.new_zeros(units.shape[:-1])
    parts = [zero if part is None else part for part in (at or Jet(zero, zero, zero, zero))]
    parts += [zero] * (4 - len(parts))
    with torch.enable_grad():
        leaf = torch.stack(parts, -1).detach().requires_grad_()
        r = problem.residual_at(Jet(*leaf.unbind(-1)), units)
        (slope,) = torch.autograd.grad(r.sum(), leaf)
    values = (slope * leaf).sum(-1).detach() - r.detach()
    return Functionals(units, slope, values, zero + weight / problem.scale**2)


def join(*conditions: Functionals) -> Functionals:
    """Several groups of conditions as one; leading axes broadcast."""
    batch = torch.broadcast_shapes(*(group.weights.shape[:-1] for group in conditions))

    def glue(index: int, own: int) -> Tensor:
        parts = [group[index] for group in conditions]
        return torch.cat([part.expand(*batch, *part.shape[part.ndim - own :]) for part in parts], -own)

    return Functionals(glue(0, 2), glue(1, 2), glue(2, 1), glue(3, 1))


class Collocated(NamedTuple):
    """A sum of kernels, each with its functional applied.

    Attributes:
        kernel: the kernel.
        points: where the functionals are taken.
        coefficients: the functionals; None: values.
        dual: the kernels' coefficients, shape (R, n).

    >>> function = Collocated(ARD((1.0, 1.0)), torch.zeros(1, 2), None, torch.ones(1))
    >>> function.apply(torch.zeros(1, 2)), function.jet(torch.zeros(1, 2)).u_xx
    (tensor([1.]), tensor([-1.]))
    """

    kernel: ARD
    points: Float[Tensor, "*R n d"]
    coefficients: Float[Tensor, "*R n 4"] | None
    dual: Float[Tensor, "*R n"]

    def apply(self, units: Float[Tensor, "*R k d"], of: Float[Tensor, "*R k 4"] | None = None) -> Float[Tensor, "*R k"]:
        """A linear functional of the function at each unit; its value by default."""
        return (self.kernel.between(units, self.points, of, self.coefficients) @ self.dual.unsqueeze(-1)).squeeze(-1)

    def jet(self, units: Float[Tensor, "*R k d"], timed: bool = False) -> Jet:
        """The function with its derivatives."""
        derivatives = torch.eye(4, dtype=units.dtype, device=units.device)
        u, u_x, u_xx, u_t = (self.apply(units, row.expand(*units.shape[:-1], 4)) for row in derivatives)
        return Jet(u, u_x, u_xx, u_t if timed else None)


def collocate(kernel: ARD, conditions: Functionals, penalty: float = 1e-8) -> Collocated:
    r"""The function that meets linear conditions best, in closed form (symmetric collocation; Fasshauer 1997).

    .. math:: u = \arg\min_u \sum_j w_j (L_j u - v_j)^2 + \lambda \|u\|_k^2 = \sum_j \beta_j L'_j k(\cdot, z_j), \qquad
        \beta = W^{1/2} (W^{1/2} G W^{1/2} + \lambda I)^{-1} W^{1/2} v, \quad G_{ij} = L_i L'_j k

    Args:
        kernel: the kernel.
        conditions: the functionals L, their values v and weights w.
        penalty: :math:`\lambda`, in units of the mean diagonal of :math:`W^{1/2} G W^{1/2}`.

    Raises:
        ValueError: if the penalty is not positive or too small for floating point.

    >>> rows = Distilled(torch.tensor([[0.0, 0.0], [1.0, 0.0]]).double(), torch.tensor([0.0, 1.0]).double(), torch.ones(2).double())
    >>> collocate(ARD((1.0, 1.0)), values_of(rows)).apply(rows.x).round(decimals=4).abs()
    tensor([0., 1.], dtype=torch.float64)
    """
    positive_penalty(penalty, "collocation")
    points, of, values, weights = conditions
    gram = kernel.between(points, points, of, of)
    root = weights.sqrt()
    scaled = root.unsqueeze(-1) * gram * root.unsqueeze(-2)
    level = penalty * scaled.diagonal(dim1=-2, dim2=-1).mean(-1)
    eye = torch.eye(gram.shape[-1], dtype=gram.dtype, device=gram.device)
    factor, failed = torch.linalg.cholesky_ex(scaled + level[..., None, None] * eye)
    if unsolved(factor, failed):
        raise ValueError(
            f"collocation has no solution in {gram.dtype} at a penalty of {penalty}: raise it, or mend NaN or infinity"
        )
    dual = root * torch.cholesky_solve((root * values).unsqueeze(-1), factor).squeeze(-1)
    return Collocated(kernel, points, of, dual)


@dataclass(frozen=True, eq=False)
class KernelCollocation:
    r"""Kernel regression with physics as a learner: labels, the equation and boundary values, by :func:`collocate`.

    A nonlinear equation is linearised at the function of the step before (Gauss–Newton). Without physics this is the mean of a
    Gaussian process.

    Attributes:
        problem: the equation.
        kernel: the kernel.
        physics: points of the equation, and boundary values.
        penalty: relative, see :func:`collocate`; the larger, the more noise is smoothed away.
        residual: the weight of the equation's squared misses, in units of the problem's scale squared.
        mismatch: the weight of those of the boundary values.
        steps: of Gauss–Newton; one is enough for an equation that is linear in u.
        name: how tables call the learner.

    >>> from ddlib.pinn import Poisson
    >>> rows = Poisson().rows(torch.linspace(-1, 1, 9).double().view(1, 9, 1), torch.ones(1, 9).double())
    >>> learner = KernelCollocation(Poisson(), ARD((0.5, 1.0)))
    >>> bool((learner.predict(learner.fit(rows), rows.x) - rows.y).abs().max() < 0.01)
    True
    """

    problem: Problem
    kernel: ARD
    physics: Physics | None = None
    penalty: float = 1e-6
    residual: float = 1.0
    mismatch: float = 1.0
    steps: int = 8
    name: str = "kernel collocation"
    deterministic: ClassVar[bool] = True

    def __post_init__(self) -> None:
        known_problem(self.problem)
        positive_penalty(self.penalty, "collocation")
        zero_or_more(self.residual, "the weight of the equation")
        zero_or_more(self.mismatch, "the weight of the boundary values")
        whole_number(self.steps, "the number of steps of Gauss–Newton", 0)

    def fit(self, data: Distilled, generator: torch.Generator | None = None) -> Collocated:
        """The function that meets labels and physics best. Draws nothing."""
        labels = values_of(data)
        if self.physics is None:
            return collocate(self.kernel, labels, self.penalty)
        interior, boundary = self.physics
        fixed = join(labels, values_of(boundary, self.mismatch))
        found = collocate(self.kernel, fixed, self.penalty)
        for _ in range(self.steps if interior.shape[-2] else 0):
            tangent = linearise(self.problem, interior, found.jet(interior, timed=self.problem.timed), self.residual)
            found = collocate(self.kernel, join(fixed, tangent), self.penalty)
        return found

    def predict(self, model: Collocated, x: Float[Tensor, "*R n d"]) -> Float[Tensor, "*R n"]:
        """The function's values."""
        return model.apply(x)

    def jet(self, model: Collocated, units: Float[Tensor, "*R n d"], timed: bool = False) -> Jet:
        """The function with its derivatives."""
        return model.jet(units, timed)
