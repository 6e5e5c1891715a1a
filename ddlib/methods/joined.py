"""What methods that look at rows share: labels as further columns, and the budget spread evenly over classes."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ddlib.closed_forms import label_scale
from ddlib.problem import Distilled

__all__ = [
    "classes",
    "has_classes",
    "joined",
    "members",
    "nearest",
    "of_each_class",
    "parted",
    "real_rows",
    "shares",
    "to_nearest",
    "within_classes",
]


def joined(data: Distilled, scale: Float[Tensor, "R 1"] | None = None) -> Float[Tensor, "R n k"]:
    r"""The rows :math:`z_i = (x_i,\, y_i / \operatorname{sd}(y))`: labels count as one more column, class labels as C more.

    Args:
        data: units of any shape, which are flattened, and scalar or class labels.
        scale: what labels are divided by; by default the data's own
            :func:`~ddlib.closed_forms.label_scale`. A set S takes that of D.

    >>> data = Distilled(torch.ones(1, 4, 2, 3), torch.tensor([[1.0, 1.0, -1.0, -1.0]]), torch.ones(1, 4))
    >>> joined(data).shape
    torch.Size([1, 4, 7])
    """
    scale = label_scale(data) if scale is None else scale
    columns = data.y.unsqueeze(-1) if data.y.ndim == data.w.ndim else data.y
    return torch.cat([data.x.flatten(data.w.ndim), columns / scale.unsqueeze(-1)], -1)


def parted(rows: Float[Tensor, "R m k"], like: Distilled) -> tuple[Float[Tensor, "R m *unit"], Float[Tensor, "R m *label"]]:
    """The reverse of :func:`joined`: units and labels of the shapes and the unit that ``like`` has.

    >>> data = Distilled(torch.ones(1, 4, 2, 3), torch.tensor([[1.0, 1.0, -1.0, -1.0]]), torch.ones(1, 4))
    >>> [part.shape for part in parted(joined(data), data)]
    [torch.Size([1, 4, 2, 3]), torch.Size([1, 4])]
    """
    unit = like.x.shape[like.w.ndim :]
    x, labels = rows[..., : unit.numel()], rows[..., unit.numel() :] * label_scale(like).unsqueeze(-1)
    return x.unflatten(-1, unit), labels.squeeze(-1) if like.y.ndim == like.w.ndim else labels


def nearest(rows: Float[Tensor, "R n k"], points: Float[Tensor, "R m k"]) -> Int[Tensor, "R n"]:
    """For each row the index of the point that is nearest to it, the first of them where several are.

    >>> nearest(torch.tensor([[[0.0], [1.0], [5.0]]]), torch.tensor([[[0.0], [4.0]]]))
    tensor([[0, 0, 1]])
    """
    mode = "donot_use_mm_for_euclid_dist"  # the faster way rounds: a row would not be at distance zero from itself
    return torch.cdist(rows.detach(), points.detach(), compute_mode=mode).argmin(-1)


def to_nearest(data: Distilled, distilled: Distilled) -> Float[Tensor, "R n k"]:
    """From each joined row of D to the nearest joined row of S, both in units of D's label scale; differentiable in S.

    >>> data = Distilled(torch.tensor([[[0.0], [1.0]]]), torch.zeros(1, 2), torch.ones(1, 2))
    >>> to_nearest(data, real_rows(data, torch.tensor([[0]])))
    tensor([[[ 0.,  0.],
             [-1.,  0.]]])
    """
    scale = label_scale(data)
    rows, points = joined(data, scale), joined(distilled, scale)
    return points.take_along_dim(nearest(rows, points).unsqueeze(-1), -2) - rows


def has_classes(data: Distilled) -> bool:
    """Whether labels are rows, of which the largest entry is the class.

    >>> has_classes(Distilled(torch.zeros(1, 2, 3), torch.zeros(1, 2), torch.ones(1, 2)))
    False
    """
    return len(data.label) == 1 and data.label[0] > 1


def classes(data: Distilled) -> Int[Tensor, "R n"] | None:
    """The class of each row, the argmax over its label; None for scalar labels and for none.

    >>> classes(Distilled(torch.zeros(1, 2, 3), torch.tensor([[[1.0, 0.0], [0.0, 1.0]]]), torch.ones(1, 2)))
    tensor([[0, 1]])
    """
    return data.y.argmax(-1) if has_classes(data) else None


def members(data: Distilled, group: Int[Tensor, "R n"], batch: int | None, generator: torch.Generator) -> Distilled:
    """Random rows of each class, along a leading axis of classes, shape (C, R, b).

    Args:
        data: D.
        group: the class of each row.
        batch: b, rows that are drawn with replacement; None: as many as the smallest class has, none twice. A class that a
            replicate does not have gets rows of weight zero.
        generator: the source of the draws.

    >>> data = Distilled(torch.zeros(1, 3, 4), torch.eye(3).unsqueeze(0), torch.ones(1, 3))
    >>> members(data, data.y.argmax(-1), 5, torch.Generator().manual_seed(0)).x.shape
    torch.Size([3, 1, 5, 4])
    """
    label = torch.arange(data.y.shape[-1], device=group.device).view(-1, 1, 1)
    counts = (group == label).sum(-1)
    if batch is None:
        least = int(torch.where(counts > 0, counts, data.budget).min())
        draw = torch.rand((len(label), *group.shape), generator=generator, device=generator.device).to(group.device)
        rows = (draw + 2 * (group != label)).argsort(-1)[..., :least]  # members come first, in random order
    else:
        draw = torch.rand((*counts.shape, batch), generator=generator, device=generator.device).to(group.device)
        place = (draw * counts.unsqueeze(-1)).long().clamp(max=data.budget - 1) + (counts.cumsum(0) - counts).unsqueeze(-1)
        order = group.argsort(dim=-1, stable=True).expand(len(label), -1, -1)
        rows = order.gather(-1, place.clamp(max=data.budget - 1))
    return _at(data, rows, counts > 0)


def of_each_class(data: Distilled) -> Distilled:
    """The rows of each class, along a leading axis of classes, shape (C, R, b), and its own rows again, of weight zero, where a
    class has fewer.

    >>> data = Distilled(torch.zeros(1, 3, 4), torch.eye(3).unsqueeze(0), torch.ones(1, 3))
    >>> of_each_class(data).x.shape
    torch.Size([3, 1, 1, 4])
    """
    group = data.y.argmax(-1)
    other = group != torch.arange(data.y.shape[-1], device=group.device).view(-1, 1, 1)
    counts = (~other).sum(-1)
    place = torch.arange(max(int(counts.max()), 1), device=group.device).expand(*counts.shape, -1)
    rows = other.long().argsort(dim=-1, stable=True).gather(-1, place % counts.clamp(min=1).unsqueeze(-1))
    return _at(data, rows, place < counts.unsqueeze(-1))


def _at(data: Distilled, rows: Int[Tensor, "C R b"], present: Tensor) -> Distilled:
    """The rows of D, with weight zero where they are not present."""
    replicate = torch.arange(data.replicates, device=rows.device).view(1, -1, 1)
    x, y, w = (part[replicate, rows] for part in data)
    return Distilled(x, y, w * (present if present.ndim == w.ndim else present.unsqueeze(-1)))


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

    With as many points as classes there is one per class; with fewer, the last classes have none. Classes that no replicate has get
    none.

    Args:
        data: D.
        budget: the number of units m.
        choose: makes so many units from the rows of D, given the weights of the rows; these are zero in all other classes.
        units: what ``choose`` makes, for the error message.

    Raises:
        ValueError: if a class, or the whole of D, has fewer rows of positive weight than its share of the budget.

    >>> data = Distilled(torch.zeros(1, 3, 4), torch.eye(3).unsqueeze(0), torch.ones(1, 3))
    >>> within_classes(data, 2, lambda w, count: real_rows(data, w.topk(count).indices)).y
    tensor([[[1., 0., 0.],
             [0., 1., 0.]]])
    """
    group = classes(data)
    if group is None:
        members, counts, whose = [data.w], [budget], [""]
    else:
        present = [label for label in range(data.y.shape[-1]) if bool(((group == label) & (data.w > 0)).any())]
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
    """The picked rows of D, each with weight one.

    >>> data = Distilled(torch.zeros(1, 3, 4), torch.tensor([[5.0, 6.0, 7.0]]), torch.ones(1, 3))
    >>> real_rows(data, torch.tensor([[2, 0]])).y
    tensor([[7., 5.]])
    """

    def at(part: Tensor) -> Tensor:
        return part.take_along_dim(pick.view(*pick.shape, *(1,) * (part.ndim - pick.ndim)), pick.ndim - 1)

    return Distilled(at(data.x), at(data.y), torch.ones_like(at(data.w)))
