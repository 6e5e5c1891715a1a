r"""Do patients remember more than the model says? Correlation of errors of prediction two or more visits apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.merge.model.fit import Fit
from ddlib.merge.model.likelihood import fill, precision
from ddlib.merge.model.patterns import Group

__all__ = ["Persistence", "persistence"]


class Persistence(NamedTuple):
    """Correlation of a column's prediction errors two or more visits apart; zero in expectation where the model is right.

    Attributes:
        correlation: averaged over patients and pairs of visits.
        z: the same in standard errors.

    >>> memory = Persistence(correlation=torch.tensor([0.3]), z=torch.tensor([4.0]))
    >>> bool((memory.z.abs() > 3).any())
    True
    """

    correlation: Float[Tensor, " p"]
    z: Float[Tensor, " p"]


def persistence(found: Fit, groups: Sequence[Group]) -> Persistence | None:
    r"""Are errors of prediction from the whole past correlated over two or more visits?

    With :math:`LL^\top = C` for measurements in the order of time, the entries of :math:`L^{-1}(y - \mu)` are standardised errors
    of prediction, which are uncorrelated under the model. Those two or more visits apart are not fitted by it, unlike those one
    apart. A memory that the model lacks makes them correlated. Gaps are filled by their expectation, which makes the test
    conservative. None for two visits.

    >>> from ddlib.merge.model.fit import Variances
    >>> from ddlib.merge.model.law import Shape, start
    >>> from ddlib.merge.model.patterns import group_patients
    >>> shape = Shape(variables=1, fixed=0, steps=(1, 1), sources=1)
    >>> found = Fit(start(torch.zeros(3), torch.ones(3), shape), shape, Variances(), 0.0, torch.zeros(1), [], True)
    >>> rows = torch.tensor([[1.0, 1.0, 1.0], [-1.0, -1.0, -1.0]])  # who is high stays high
    >>> persistence(found, group_patients(rows, torch.zeros(3), torch.arange(3), 0)).correlation
    tensor([0.7338])
    """
    shape = found.shape
    variables, moving = shape.variables, shape.number * shape.variables
    if shape.number < 3:
        return None
    centre, covariance = found.patient()
    total, weight = covariance.new_zeros(variables), covariance.new_zeros(variables)
    for group in groups:
        filled = fill(centre[group.source][group.entries], precision(covariance, group)[0], group)
        root = torch.linalg.cholesky(covariance[group.entries][:, group.entries] + torch.diag(group.noise))
        half = torch.linalg.solve_triangular(root, filled.second, upper=False)
        white = torch.linalg.solve_triangular(root, half.mT, upper=False)
        time, column = group.entries // variables, group.entries % variables
        far = (column.unsqueeze(-1) == column) & (time.unsqueeze(-1) - time >= 2) & (group.entries < moving)
        far &= (group.entries < moving).unsqueeze(-1)
        kept = group.entries < moving
        total.index_add_(0, column[kept], (white * far).sum(-1)[kept])
        weight.index_add_(0, column[kept], group.patients * far.sum(-1).to(total.dtype)[kept])
    return Persistence(total / weight.clamp(min=1), total / weight.clamp(min=1).sqrt())
