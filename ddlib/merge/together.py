r"""Which entries of a trajectory were measured together, by column *and* lag.

A trajectory has D = T·p + q entries: the p columns at visit 1, those at visit 2, ..., then the q static columns. How many patients
have two entries is what their covariance rests on; where it is none, the records say nothing of it directly.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from ddlib.merge.panel import Panel

_CHUNK = 4096


def measured_entries(panel: Panel, source: int) -> Bool[Tensor, "n D"]:
    """Which entries each patient of a source has."""
    moving, fixed = panel.measured(source)
    return torch.cat([moving.flatten(1), fixed], dim=1)


def counts(panel: Panel) -> Int[Tensor, "D D"]:
    """How many patients have each pair of entries: the effective patients of a covariance; on the diagonal, of a mean."""
    width = panel.visits.number * len(panel.columns) + len(panel.static)
    found = torch.zeros(width, width, dtype=torch.long)
    for source in range(len(panel.sources)):
        for rows in measured_entries(panel, source).to(torch.float32).split(_CHUNK):  # whole numbers are exact
            found += (rows.mT @ rows).long()
    return found


class Unmeasured(NamedTuple):
    """Two columns that no patient has both of, at visits so far apart.

    Attributes:
        first, second: their places among all columns, the static ones being the last.
        lag: by how many visits the second is later; 0 where one is static.
        visits: those of the first at which it is so, counted from 0; of the column that changes where one is static.
        everywhere: whether it is so wherever somebody has the one and somebody the other.
    """

    first: int
    second: int
    lag: int
    visits: tuple[int, ...]
    everywhere: bool


def unmeasured(panel: Panel, together: Int[Tensor, "D D"] | None = None) -> list[Unmeasured]:
    """Pairs of columns and lags that no patient has, at some visits or at all.

    Entries that nobody has at all are of no account here: see :func:`never_measured`.

    Args:
        panel: the patients.
        together: :func:`counts` of it, where known.
    """
    number = counts(panel) if together is None else together
    visits, width, fixed = panel.visits.number, len(panel.columns), len(panel.static)
    moving = visits * width
    seen = number.diagonal() > 0
    lacking = (number == 0) & seen & seen.unsqueeze(-1)
    both = (seen & seen.unsqueeze(-1))[:moving, :moving].view(visits, width, visits, width)
    none = lacking[:moving, :moving].view(visits, width, visits, width)
    found = []
    for lag in range(visits):
        here = none.diagonal(lag, 0, 2), both.diagonal(lag, 0, 2)  # first column, second column, first visit
        pairs = here[0].any(-1) & (torch.ones(width, width, dtype=torch.bool).triu(1) if lag == 0 else torch.tensor(True))
        for i, j in pairs.nonzero().tolist():
            found.append(_item(i, j, lag, here[0][i, j], here[1][i, j]))
    across = lacking[:moving, moving:].view(visits, width, fixed), (seen[:moving, None] & seen[moving:]).view(visits, width, fixed)
    for i, j in across[0].any(0).nonzero().tolist():
        found.append(_item(i, width + j, 0, across[0][:, i, j], across[1][:, i, j]))
    found += [Unmeasured(width + i, width + j, 0, (), True) for i, j in lacking[moving:, moving:].triu(1).nonzero().tolist()]
    return found


def _item(first: int, second: int, lag: int, none: Bool[Tensor, " t"], both: Bool[Tensor, " t"]) -> Unmeasured:
    return Unmeasured(first, second, lag, tuple(none.nonzero().flatten().tolist()), bool((none == both).all()))


def never_measured(panel: Panel, together: Int[Tensor, "D D"] | None = None) -> list[tuple[str, tuple[int, ...]]]:
    """Columns with the visits, counted from 0, at which nobody has them."""
    number = (counts(panel) if together is None else together).diagonal()
    empty = number[: panel.visits.number * len(panel.columns)].view(panel.visits.number, -1) == 0
    return [
        (name, tuple(empty[:, i].nonzero().flatten().tolist())) for i, name in enumerate(panel.columns) if bool(empty[:, i].any())
    ]


def in_words(panel: Panel, item: Unmeasured) -> str:
    """A pair and its lag as a sentence names them: "'a' at visit 1 with 'b' at visit 2"."""
    names = [*panel.columns, *panel.static]
    first, second, width = repr(names[item.first]), repr(names[item.second]), len(panel.columns)
    if item.second >= width:  # one is static, or both are
        return f"{first} with {second}" if item.everywhere else f"{first} at {_visits(item.visits)} with {second}"
    if item.lag == 0:
        same = "the same visit" if item.everywhere and panel.visits.number > 1 else _visits(item.visits)
        return f"{first} and {second} at {same}"
    if len(item.visits) == 1:
        return f"{first} at visit {item.visits[0] + 1} with {second} at visit {item.visits[0] + item.lag + 1}"
    later = "one visit later" if item.lag == 1 else f"{item.lag} visits later"
    return f"{first} with {second} {later}" if item.everywhere else f"{first} at {_visits(item.visits)} with {second} {later}"


def _visits(visits: tuple[int, ...]) -> str:
    listed = ", ".join(str(visit + 1) for visit in visits)
    return f"visit {listed}" if len(visits) == 1 else f"visits {listed}"


def summary(panel: Panel, found: list[Unmeasured], most: int = 5) -> str:
    """All of them in words; two columns that no patient has both of at any lag are one.

    Args:
        panel: the patients.
        found: from :func:`unmeasured`.
        most: that are named; of the others the number is.
    """
    width, visits = len(panel.columns), panel.visits.number
    lags: dict[tuple[int, int], int] = {}
    for item in found:
        if item.everywhere and item.first != item.second and item.second < width:
            pair = (min(item.first, item.second), max(item.first, item.second))
            lags[pair] = lags.get(pair, 0) + 1
    never = [pair for pair, number in lags.items() if number == 2 * visits - 1 and visits > 1]
    texts = [f"{panel.columns[i]!r} and {panel.columns[j]!r} at any two visits" for i, j in never]
    rest = [item for item in found if (min(item.first, item.second), max(item.first, item.second)) not in never]
    texts += [in_words(panel, item) for item in rest]
    more = len(texts) - most
    return "; ".join(texts[:most]) + (f"; and {more} more" if more > 0 else "")
