"""Factors that bring columns to common units."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ddlib.files import InputError
from ddlib.merge.columns import nearest, shown


class Change(NamedTuple):
    """Of unit: values are multiplied by the factor, and the offset is added."""

    factor: float
    offset: float

    def told(self, name: str) -> str:
        """The change in words."""
        offset = f" {'+' if self.offset > 0 else '-'} {abs(self.offset):g}" if self.offset else ""
        return f"{name!r} × {self.factor:g}{offset}"


def read_units(units: Any, sources: Mapping[str, Path], columns: Mapping[str, list[str]]) -> dict[str, dict[str, Change]]:
    """The changes of unit for each source.

    Args:
        units: column → factor or [factor, offset], for all sources; or source or file → (column → …), which goes before.
        sources: the file of each source, by the source's name.
        columns: the measured columns that each source has, by its name.

    Raises:
        InputError: if it is no such mapping, names an unknown column, source or file, or a factor is no number but 0.
    """
    found: dict[str, dict[str, Change]] = {source: {} for source in sources}
    if units is None:
        return found
    if not isinstance(units, Mapping):
        raise InputError(f"the units must map columns to factors, as in `glucose: 0.0555`, but they are {shown(units)}")
    everywhere = sorted({name for part in columns.values() for name in part})
    for key, value in units.items():
        if not isinstance(value, Mapping):
            name = _known(str(key), everywhere, "column")
            change = _change(value, name)
            for source in sources:
                if name in columns[source]:
                    found[source].setdefault(name, change)
    files = {name for path in sources.values() for name in (path.name, str(path))}
    for key, value in units.items():
        if isinstance(value, Mapping):
            place = _known(str(key), sorted({*sources, *files}), "table")
            chosen = [source for source, path in sources.items() if place in (source, path.name, str(path))]
            names = sorted({name for source in chosen for name in columns[source]})
            for column, number in value.items():
                name = _known(str(column), names, "column", f" of {place}")
                change = _change(number, name)
                for source in chosen:
                    if name in columns[source]:
                        found[source][name] = change
    return found


def _known(name: str, names: list[str], kind: str, where: str = "") -> str:
    if name not in names:
        known = nearest(name, names).replace("it has", "there are")
        raise InputError(f"the units name {name!r}, but no {kind}{where} is called that: {known}")
    return name


def _change(value: Any, column: str) -> Change:
    numbers = list(value) if isinstance(value, list | tuple) else [value, 0.0]
    try:  # YAML takes 1e-3 for text, because it has no decimal point
        factor, offset = (float("nan") if isinstance(number, bool) else float(number) for number in numbers)
    except (TypeError, ValueError, OverflowError):
        factor = offset = float("nan")
    if not 0 < abs(factor) < float("inf") or not abs(offset) < float("inf"):
        raise InputError(f"the unit of {column!r} is {shown(value)}: give a factor, a number but 0, or [factor, offset]")
    return Change(factor, offset)
