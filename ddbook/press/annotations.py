"""What a parameter may be: an annotation read as a closed language, never evaluated, and said in words."""

from __future__ import annotations

import ast
from functools import lru_cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import AfterValidator, ConfigDict, TypeAdapter

from ddbook.kit import ranges
from ddlib.files import InputError

PLAIN: dict[str, Any] = {"int": int, "float": float, "bool": bool, "str": str, "list": list}
LISTS = {"list": list, "OneOrMore": ranges.OneOrMore, "Distinct": ranges.Distinct, "Pair": ranges.Pair}
NUMBERED: dict[str, tuple[Any, int]] = {"AtLeast": (ranges.AtLeast, 1), "Between": (ranges.Between, 2)}
KINDS: dict[str, Any] = {name: getattr(ranges, name) for name in ranges.__all__ if name not in {*LISTS, *NUMBERED}}
HOMES = {
    "typing": {"Literal"},
    "pydantic": {"NonNegativeFloat", "NonNegativeInt", "PositiveFloat", "PositiveInt"},
    "ddbook.kit.ranges": {*ranges.__all__},
}
"""Where the names may be imported from in a parameters cell."""


def read_type(annotation: str) -> Any:
    """The type that an annotation names.

    Raises:
        InputError: for anything that is not made of the words of :mod:`ddbook.kit.ranges` and Python's own plain types.
    """
    return _read(annotation)[0]


def checker(annotation: str) -> TypeAdapter[Any]:
    """What tells values of an annotation's type from others: no text for a number, no 1.0 for an int, nothing infinite.

    Raises:
        InputError: as :func:`read_type`.
    """
    return _read(annotation)[1]


@lru_cache
def _read(annotation: str) -> tuple[Any, TypeAdapter[Any]]:
    try:
        kind = _type(ast.parse(annotation, mode="eval").body)
        return kind, TypeAdapter(kind, config=ConfigDict(strict=True, allow_inf_nan=False))
    except (ValueError, TypeError):
        raise InputError(
            f"{annotation!r} cannot be the type of a parameter: use int, float, bool, str, list[…], … | None, or the words of "
            "ddbook/kit/ranges.py"
        ) from None


def names_in(annotation: str) -> set[str]:
    """The names that an annotation uses and Python does not know by itself."""
    return {node.id for node in ast.walk(ast.parse(annotation)) if isinstance(node, ast.Name)} - {*PLAIN}


def _type(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=None):
            return None
        case ast.Name(id=name) if name in PLAIN | KINDS:
            return (PLAIN | KINDS)[name]
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return Union[_type(left), _type(right)]  # noqa: UP007 - `|` knows no None on its left
        case ast.Subscript(value=ast.Name(id="Literal"), slice=options) if _items(options):
            return Literal[tuple(_constant(option) for option in _items(options))]
        case ast.Subscript(value=ast.Name(id=name), slice=numbers) if name in NUMBERED:
            (word, count), ends = NUMBERED[name], [_whole_number(number) for number in _items(numbers)]
            if len(ends) == count:
                return word[ends[0] if count == 1 else tuple(ends)]
        case ast.Subscript(value=ast.Name(id=name), slice=element) if name in LISTS:
            return LISTS[name][_type(element)]
    raise ValueError("no word of the language")


def _items(node: ast.expr) -> list[ast.expr]:
    return node.elts if isinstance(node, ast.Tuple) else [node]


def _constant(node: ast.expr) -> Any:
    if isinstance(node, ast.Constant) and isinstance(node.value, str | int | bool | NoneType):
        return node.value
    raise ValueError("no plain value")


def _whole_number(node: ast.expr) -> int:
    if isinstance(found := ast.literal_eval(node), int) and not isinstance(found, bool):
        return found
    raise ValueError("no whole number")


def takes_whole_numbers(kind: Any) -> bool:
    """Whether a type has a place for a whole number: itself, or an element of a list."""
    base = _parts(kind)[0]
    if base is Literal:
        return any(type(option) is int for option in get_args(kind))
    return base is int or any(takes_whole_numbers(inner) for inner in _inner(kind))


def is_list(kind: Any) -> bool:
    """Whether a type is a list, bounded or not."""
    return _parts(kind)[0] is list


def is_text(kind: Any) -> bool:
    """Whether a type is a text, so that nothing has to be read from it."""
    return _parts(kind)[0] is str


def options(kind: Any) -> list[Any]:
    """The fixed values among those that a type, or an element of it, may have."""
    if _parts(kind)[0] is Literal:
        return [*get_args(kind)]
    return [option for inner in _inner(kind) for option in options(inner)]


def in_words(kind: Any) -> str:
    """What a value of a type is, as the end of a sentence with "must be".

    >>> in_words(read_type("Distinct[Between[1, 9]]"))
    'a list of one or more, none twice, each a whole number from 1 to 9'
    >>> in_words(read_type("Device")), in_words(read_type("Share | None"))
    ("'cpu' or 'cuda'", 'a number above 0 and below 1 or null')
    """
    base, bounds = _parts(kind)
    if base is Literal:
        return _either([repr(option) for option in get_args(kind)])
    if base is Union:
        return _either([in_words(inner) for inner in _inner(kind)])
    if base is list:
        return f"a list{_length(bounds)}" + "".join(f", each {in_words(inner)}" for inner in _inner(kind))
    if base is int:
        return "a whole number" + _whole(bounds)
    if base is float:
        return "a number" + _real(bounds)
    if base is str:
        return "a text" + (" that is not empty" if bounds else "")
    return {bool: "true or false", NoneType: "null"}[base]


def _parts(kind: Any) -> tuple[Any, list[Any]]:
    """What a type is without its bounds, and these."""
    bare, bounds = (get_args(kind)[0], list(kind.__metadata__)) if get_origin(kind) is Annotated else (kind, [])
    origin = get_origin(bare)
    return (Union if origin is UnionType else origin or bare or NoneType), bounds


def _inner(kind: Any) -> tuple[Any, ...]:
    """The types inside a list or a choice of types."""
    bare = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    return () if get_origin(bare) is Literal else get_args(bare)


def _either(words: list[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _limits(bounds: list[Any], *kinds: type) -> list[float]:
    """The numbers of the bounds of some kinds."""
    names = {annotated_types.Ge: "ge", annotated_types.Gt: "gt", annotated_types.Le: "le", annotated_types.Lt: "lt"}
    return [getattr(bound, names[type(bound)]) for bound in bounds if isinstance(bound, kinds)]


def _whole(bounds: list[Any]) -> str:
    low = [*_limits(bounds, annotated_types.Ge), *(end + 1 for end in _limits(bounds, annotated_types.Gt))]
    high = [*_limits(bounds, annotated_types.Le), *(end - 1 for end in _limits(bounds, annotated_types.Lt))]
    if low and high:
        return f" from {max(low)} to {min(high)}"
    return f" of {max(low)} or more" if low else f" of {min(high)} or less" if high else ""


def _real(bounds: list[Any]) -> str:
    signs = {
        annotated_types.Gt: "above",
        annotated_types.Ge: "of at least",
        annotated_types.Lt: "below",
        annotated_types.Le: "of at most",
    }
    said = [f"{sign} {end:g}" for kind, sign in signs.items() for end in _limits(bounds, kind)]
    return f" {' and '.join(said)}" if said else ""


def _length(bounds: list[Any]) -> str:
    least = max((bound.min_length for bound in bounds if hasattr(bound, "min_length")), default=0)
    most = next((bound.max_length for bound in bounds if getattr(bound, "max_length", None) is not None), None)
    size = (
        f" of {least}" if least == most else f" of {least} to {most}" if most else f" of {_count(least)} or more" if least else ""
    )
    return size + (", none twice" if any(isinstance(bound, AfterValidator) for bound in bounds) else "")


def _count(number: int) -> str:
    return "one" if number == 1 else str(number)
