"""What a table of patients who are measured again and again looks like, whatever file it came from."""

from __future__ import annotations

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

__all__ = ["Source", "Visits", "first_visits"]


class Source(NamedTuple):
    """Where data come from and on which terms.

    Attributes:
        title: what they are.
        url: a page for people.
        licence: as its publisher states it.
        citation: whom to cite.

    >>> from ddlib.datasets.pbcseq import SOURCE
    >>> SOURCE.licence
    'GNU Lesser General Public License, version 2 or later (R package survival)'
    """

    title: str
    url: str
    licence: str
    citation: str


class Visits(NamedTuple):
    """Repeated measurements of n patients at T planned visits of p variables.

    Attributes:
        values: one trajectory per patient; not-a-number where nothing was measured.
        patients: their identifiers.
        sites: the site that each patient belongs to.
        visits: the names of the planned visits, in order.
        variables: the names of the variables.
        units: of the variables; ``log`` before a unit says that the natural logarithm was taken.
        panels: the variables that are ordered together, by the name of the panel.
        source: where the data come from.

    >>> import torch
    >>> values, source = torch.tensor([[[torch.nan], [12.7]], [[11.0], [10.0]]]), Source("two patients", "", "CC0", "")
    >>> table = Visits(values, ("p1", "p2"), ("A", "B"), ("week 0", "week 4"), ("hb",), ("g/dL",), {"blood": ("hb",)}, source)
    >>> table.values.isnan().sum()
    tensor(1)
    """

    values: Float[Tensor, "n T p"]
    patients: tuple[str, ...]
    sites: tuple[str, ...]
    visits: tuple[str, ...]
    variables: tuple[str, ...]
    units: tuple[str, ...]
    panels: dict[str, tuple[str, ...]]
    source: Source


def first_visits(found: Visits, number: int | None) -> Visits:
    """The first visits only, of the patients who have a measurement in one of them.

    Args:
        found: the table.
        number: how many visits to keep; all of them when not given.

    Raises:
        ValueError: if the number is below one or above the number of visits.

    >>> import torch
    >>> values, source = torch.tensor([[[torch.nan], [12.7]], [[11.0], [10.0]]]), Source("two patients", "", "CC0", "")
    >>> table = Visits(values, ("p1", "p2"), ("A", "B"), ("week 0", "week 4"), ("hb",), ("g/dL",), {"blood": ("hb",)}, source)
    >>> first_visits(table, 1).patients
    ('p2',)
    """
    number = len(found.visits) if number is None else number
    if not 1 <= number <= len(found.visits):
        raise ValueError(
            f"there are {len(found.visits)} planned visits, but {number} were asked for: ask for 1 to {len(found.visits)}"
        )
    values = found.values[:, :number]
    seen = values.isfinite().flatten(1).any(1).tolist()
    return found._replace(
        values=values[[i for i, kept in enumerate(seen) if kept]],
        patients=tuple(name for name, kept in zip(found.patients, seen, strict=True) if kept),
        sites=tuple(name for name, kept in zip(found.sites, seen, strict=True) if kept),
        visits=found.visits[:number],
    )
