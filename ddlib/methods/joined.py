"""What methods that look at rows share: labels as further columns, and the budget spread evenly over classes."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ddlib.closed_forms import label_scale
from ddlib.problem import Distilled


def joined(data: Distilled, scale: Float[Tensor, "R 1"] | None = None) -> Float[Tensor, "R n k"]:
    r"""The rows :math:`z_i = (x_i,\, y_i / \operatorname{sd}(y))`: labels count as one more column, class labels as C more.

    Args:
        data: units of any shape, which are flattened, and scalar or class labels.
        scale: what labels are divided by; by default the data's own
            :func:`~ddlib.closed_forms.label_scale`. A set S takes that of D.
    """
    scale = label_scale(data) if scale is None else scale
    columns = data.y.unsqueeze(-1) if data.y.ndim == data.w.ndim else data.y
    return torch.cat([data.x.flatten(data.w.ndim), columns / scale.unsqueeze(-1)], -1)


def parted(rows: Float[Tensor, "R m k"], like: Distilled) -> tuple[Float[Tensor, "R m *unit"], Float[Tensor, "R m *label"]]:
    """The reverse of :func:`joined`: units and labels of the shapes and the unit that ``like`` has."""
    unit = like.x.shape[like.w.ndim :]
    x, labels = rows[..., : unit.numel()], rows[..., unit.numel() :] * label_scale(like).unsqueeze(-1)
    return x.unflatten(-1, unit), labels.squeeze(-1) if like.y.ndim == like.w.ndim else labels


def nearest(rows: Float[Tensor, "R n k"], points: Float[Tensor, "R m k"]) -> Int[Tensor, "R n"]:
    """For each row the index of the point that is nearest to it, the first of them where several are."""
    mode = "donot_use_mm_for_euclid_dist"  # the faster way rounds: a row would not be at distance zero from itself
    return torch.cdist(rows.detach(), points.detach(), compute_mode=mode).argmin(-1)


def to_nearest(data: Distilled, distilled: Distilled) -> Float[Tensor, "R n k"]:
    """From each joined row of D to the nearest joined row of S, both in units of D's label scale; differentiable in S."""
    scale = label_scale(data)
    rows, points = joined(data, scale), joined(distilled, scale)
    return points.take_along_dim(nearest(rows, points).unsqueeze(-1), -2) - rows


def classes(data: Distilled) -> Int[Tensor, "R n"] | None:
    """The class of each row, the argmax over its label; None for scalar labels and for none."""
    return data.y.argmax(-1) if data.y.ndim > data.w.ndim and data.y.shape[-1] else None


def shares(budget: int, classes: int) -> list[int]:
    """The budget split evenly over the classes; the first classes get the remainder.

    >>> shares(12, 5)
    [3, 3, 2, 2, 2]
    """
    return [budget // classes + (label < budget % classes) for label in range(classes)]


def within_classes(
    data: Distilled, budget: int, choose: Callable[[Float[Tensor, "R n"], int], Distilled], units: str = "points"
) -> Distilled:
    """A set chosen separately within each class, or at once where labels are scalar.

    With as many points as classes there is one per class; with fewer, the last classes have none.

    Args:
        data: D.
        budget: the number of units m.
        choose: makes so many units from the rows of D, given the weights of the rows; these are zero in all other classes.
        units: what ``choose`` makes, for the error message.

    Raises:
        ValueError: if a class, or the whole of D, has fewer rows of positive weight than its share of the budget.
    """
    group = classes(data)
    if group is None:
        members, counts, whose = [data.w], [budget], [""]
    else:
        present = range(data.y.shape[-1])
        members, counts = [data.w * (group == label) for label in present], shares(budget, len(present))
        whose = [f" in class {label}" for label in present]
    for w, count, where in zip(members, counts, whose, strict=True):
        rows = int((w > 0).sum(-1).min())
        if rows < count:
            problem = f"cannot make {count} {units} from {rows} rows{where} (rows of weight zero do not count)"
            raise ValueError(f"{problem}: ask for a smaller budget or give more rows")
    chosen = [choose(w, count) for w, count in zip(members, counts, strict=True) if count > 0]
    return Distilled(*(torch.cat(parts, 1) for parts in zip(*chosen, strict=True)))


def real_rows(data: Distilled, pick: Int[Tensor, "R m"]) -> Distilled:
    """The picked rows of D, each with weight one."""

    def at(part: Tensor) -> Tensor:
        return part.take_along_dim(pick.view(*pick.shape, *(1,) * (part.ndim - pick.ndim)), pick.ndim - 1)

    return Distilled(at(data.x), at(data.y), torch.ones_like(at(data.w)))
