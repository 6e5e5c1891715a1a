"""The words of the parameters cells: what a parameter may be.

Beside them, Python's plain types and ``Literal`` nothing may stand in an annotation there. All are names and brackets, because
plain papermill calls a parameter unknown whose annotation holds a quotation mark or a call.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from annotated_types import Ge, Gt, Le, Len, Lt, MinLen
from pydantic import AfterValidator, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

__all__ = [
    "AtLeast",
    "Between",
    "Device",
    "Distinct",
    "HalfOrLess",
    "NonNegativeFloat",
    "NonNegativeInt",
    "OneOrMore",
    "Pair",
    "PositiveFloat",
    "PositiveInt",
    "Precision",
    "Problem",
    "Seed",
    "Share",
    "ShareOrZero",
    "Text",
    "Transition",
]

T = TypeVar("T")


def each_once(values: list[Any]) -> list[Any]:
    """The list itself.

    Raises:
        ValueError: if a value comes twice.
    """
    if any(value in values[:place] for place, value in enumerate(values)):
        raise ValueError("a value comes twice")
    return values


class AtLeast:
    """A whole number with a smallest value: ``AtLeast[2]``."""

    def __class_getitem__(cls, least: int) -> Any:
        return Annotated[int, Ge(least)]


class Between:
    """A whole number with both ends, which count: ``Between[1, 9]``."""

    def __class_getitem__(cls, ends: tuple[int, int]) -> Any:
        least, most = ends
        return Annotated[int, Ge(least), Le(most)]


Seed = Annotated[int, Ge(0), Lt(2**31)]
"""What torch and NumPy both take, also where a chapter adds to its seed or spreads its seeds a million apart."""

Share = Annotated[float, Gt(0), Lt(1)]
"""A part of something that is neither nothing nor all of it; a probability."""

ShareOrZero = Annotated[float, Ge(0), Lt(1)]
"""A part of something that may be nothing, but is not all of it."""

HalfOrLess = Annotated[float, Gt(0), Le(0.5)]
"""A part of something of which there are two."""

OneOrMore = Annotated[list[T], MinLen(1)]
"""A list that is not empty: ``OneOrMore[PositiveInt]``."""

Distinct = Annotated[list[T], MinLen(1), AfterValidator(each_once)]
"""A list that is not empty and has nothing twice."""

Pair = Annotated[list[T], Len(2, 2)]
"""A list of two."""

Text = Annotated[str, MinLen(1)]
"""A text that is not empty."""

Device = Literal["cpu", "cuda"]
"""Where torch computes."""

Precision = Literal["float32", "float64"]
"""In which networks are trained."""

Transition = Literal["own", "all"]
"""What a value depends on at the visit before: itself, or every value."""

Problem = Literal["Poisson", "logistic", "screened", "conduction", "Burgers", "wave"]
"""A boundary-value problem of :data:`ddlib.pinn.PROBLEMS`, by name."""
