"""Grids of parameters, typed by a notebook's parameters cell before anything starts."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ddbook.press.annotations import is_list, takes_whole_numbers
from ddbook.press.parameters import Parameter, closest
from ddlib.files import InputError

MOST_RUNS = 10_000
"""More is a slip of the pen: Snakemake takes a minute to plan this many, and each has a folder of files."""

EXAMPLE = "write for example --grid seed=0..9 or --grid ipc=10,20,50"


def read_grid(schema: Mapping[str, Parameter], texts: Sequence[str], given: Iterable[str] = ()) -> dict[str, list[Any]]:
    """The values of each parameter of a grid, typed.

    Values are separated by commas outside brackets; ``a..b`` stands for all whole numbers from a to b where the parameter takes
    such. Where a parameter is a list, a plain value stands for the list with that one value: ``ipc=10,20`` gives [10] and [20], and
    ``ipc=[10,20],[50]`` gives [10, 20] and [50].

    Args:
        schema: the notebook's parameters.
        texts: ``name=values``, each parameter once.
        given: names of the parameters that have one value by hand.

    Raises:
        InputError: for an unknown name, a name given twice, no value or an empty one, one of another type, one that comes twice,
            or a grid of more than ``MOST_RUNS`` runs.
    """
    grid: dict[str, list[Any]] = {}
    sizes: list[int] = []
    for text in texts:
        name, equals, values = (part.strip() for part in text.partition("="))
        if not equals or not name:
            raise InputError(f"--grid {text!r} is not of the form name=values: {EXAMPLE}")
        if name not in schema:
            raise InputError(f"--grid: the notebook has no parameter {name!r}{closest(name, schema)}")
        if name in grid:
            raise InputError(f"--grid gives {name!r} twice: give all its values at once, separated by commas")
        if name in given:
            raise InputError(f"{name!r} is given by both --grid and -p: drop one of them")
        pieces = [_range(schema[name], piece) for piece in _pieces(text, values)]
        sizes.append(sum(piece.stop - piece.start if isinstance(piece, range) else 1 for piece in pieces))
        if math.prod(sizes) > MOST_RUNS:
            raise InputError(f"the grid has at least {math.prod(sizes):,} runs, and at most {MOST_RUNS:,} are allowed: split it")
        grid[name] = _typed(schema[name], pieces)
    if not grid:
        raise InputError(f"a sweep needs a grid: {EXAMPLE}")
    return grid


def expand(grid: Mapping[str, Sequence[Any]]) -> dict[str, dict[str, Any]]:
    """The values of each run of a grid by the run's name, the last parameter changing fastest.

    A name says the values, as in ``seed=3+ipc=10``; where one of them is no plain word, it is a hash of them all. It depends on
    nothing else, so that runs are known again in a larger grid.
    """
    runs = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    return {_name(values): values for values in runs}


def word(value: Any) -> str:
    """A value as it stands in names and tables: a list of one as its element."""
    if isinstance(value, list) and len(value) == 1:
        return word(value[0])
    return value if isinstance(value, str) else repr(value)


def _name(values: Mapping[str, Any]) -> str:
    name = "+".join(f"{key}={word(value)}" for key, value in values.items())  # no comma: Snakemake would split it
    if re.fullmatch(r"[\w.=+-]{1,120}", name, re.ASCII):
        return name
    return "run-" + hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


def _pieces(text: str, values: str) -> list[str]:
    """The values of one parameter as they were written: split at commas outside brackets."""
    pieces, depth = [""], 0
    for sign in values:
        depth += (sign == "[") - (sign == "]")
        if sign == "," and depth == 0:
            pieces.append("")
        else:
            pieces[-1] += sign
    pieces = [piece.strip() for piece in pieces]
    if not all(pieces):
        raise InputError(f"--grid {text!r} has an empty value: {EXAMPLE}")
    return pieces


def _range(parameter: Parameter, piece: str) -> str | range:
    """``a..b`` as a range where the parameter takes whole numbers, everything else as it is."""
    found = re.fullmatch(r"(-?\d{1,18})\.\.(-?\d{1,18})", piece)
    if not found or not takes_whole_numbers(parameter.kind):
        return piece
    first, last = int(found[1]), int(found[2])
    if last < first:
        raise InputError(f"--grid: the range {piece} of {parameter.name} is empty: write the smaller number first")
    return range(first, last + 1)


def _typed(parameter: Parameter, pieces: Iterable[str | range]) -> list[Any]:
    texts = [str(text) for piece in pieces for text in (piece if isinstance(piece, range) else [piece])]
    values: dict[str, Any] = {}
    for text in texts:
        value = _value(parameter, text)
        if word(value) in values:
            raise InputError(f"--grid gives {parameter.name} the value {word(value)} twice: each value is one run")
        values[word(value)] = value
    return list(values.values())


def _value(parameter: Parameter, text: str) -> Any:
    try:
        return parameter.parse(text, "--grid")
    except InputError:
        if not is_list(parameter.kind):
            raise
        return parameter.parse(f"[{text}]", "--grid")
