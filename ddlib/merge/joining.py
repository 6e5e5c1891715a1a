"""Tables of the same patients become one table: :mod:`ddlib.merge.same_people` says how it is told which these are."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ddlib.merge.columns import shown
from ddlib.merge.errors import TableError
from ddlib.merge.margins.margin import Cells
from ddlib.merge.same_people import Pair, compare
from ddlib.merge.tables import Table, make_table
from ddlib.merge.warned import Warned

if TYPE_CHECKING:
    import pandas as pd

Join = Literal["ask", "patients", "never"]


def join_tables(tables: dict[str, Table], join: Join = "ask") -> tuple[dict[str, Table], dict[str, str], list[Warned]]:
    """Join the tables that hold the same patients, if the user wants it.

    Args:
        tables: of the sources.
        join: "patients": the same name is the same patient; "never": it is not; "ask": refuse where it matters and is not evident.

    Returns:
        The tables, the new name of each source, and what was noticed.

    Raises:
        TableError: if it must be asked, or tables to be joined contradict each other.
    """
    same_names = {source: source for source in tables}
    if join == "never":
        return tables, same_names, []
    pairs = [pair for one in combinations(tables, 2) if (pair := compare(tables, *one)) is not None]
    notes = []
    if join == "ask":
        for pair in pairs:
            if pair.many and (pair.verdict == "same" or (pair.verdict == "unknown" and not pair.running)):
                raise TableError(_question(pair, min(len(tables[pair.first].names), len(tables[pair.second].names))))
            if pair.many and pair.verdict == "unknown":
                text = (
                    f"{pair.first} and {pair.second} both number their patients from 1 and are taken for different people "
                    "(--join if the same number is the same patient)."
                )
                notes.append(Warned("same names", text))
        return tables, same_names, notes
    if not pairs:
        raise TableError("no two tables have a patient in common, so there is nothing to join: leave out --join")
    wanted = [pair for pair in pairs if pair.verdict != "different"] or pairs
    for pair in pairs:
        if pair not in wanted:
            text = f"{pair.first} and {pair.second} were not joined: they share names of patients, but not their measurements."
            notes.append(Warned("same names", text))
    groups = _connected(list(tables), wanted)
    found = {" + ".join(group): _joined({source: tables[source] for source in group}) for group in groups}
    return found, {source: " + ".join(group) for group in groups for source in group}, notes


def _question(pair: Pair, size: int) -> str:
    where = f"{pair.shared} of the {size} patients' names in the smaller of {pair.first} and {pair.second} are in both tables"
    if pair.verdict == "same":
        where += f", and {pair.agreement:.0%} of what both measured agrees, so they are the same patients"
    else:
        none = "" if pair.common else "they have no numeric column in common, and "
        where += f", but {none}the measurements do not tell whether they are the same patients"
    return f"{where}: join the tables with --join, or say with --no-join that these are different people"


def _connected(sources: list[str], pairs: list[Pair]) -> list[list[str]]:
    """Sources that pairs connect, in groups."""
    group = {source: source for source in sources}
    for pair in pairs:
        old, new = group[pair.second], group[pair.first]
        group = {source: new if of == old else of for source, of in group.items()}
    return [[source for source in sources if group[source] == name] for name in dict.fromkeys(group.values())]


def _joined(tables: dict[str, Table]) -> Table:
    """One table whose rows hold what all have of the same patient at the same time: the intersection of the cells' intervals."""
    import pandas as pd

    if len(tables) == 1:
        return next(iter(tables.values()))
    columns = list(dict.fromkeys(name for table in tables.values() for name in table.cells))
    rows = pd.concat(
        [
            pd.DataFrame({"": source, "who": np.array(table.names, dtype=object)[table.patient], "when": table.times}).join(
                pd.DataFrame(_ends(table), index=range(len(table.patient)))
            )
            for source, table in tables.items()
        ],
        ignore_index=True,
    )
    for sign, end in (("<", -np.inf), (">", np.inf)):
        rows = rows.fillna({f"{sign}{name}": end for name in columns})
    groups = rows.groupby(["who", "when"], sort=False)
    for name in columns:
        _check_agree(rows, name, groups[f"<{name}"].transform("max"), groups[f">{name}"].transform("min"))
    first = groups[[f"={name}" for name in columns]].first().reset_index()
    low, high = groups[[f"<{name}" for name in columns]].max(), groups[[f">{name}" for name in columns]].min()
    return make_table(
        first["who"].to_numpy(object),
        first["when"].to_numpy(),
        {name: _cells(first[f"={name}"], low[f"<{name}"], high[f">{name}"]) for name in columns},
    )


def _ends(table: Table) -> dict[str, np.ndarray]:
    """The numbers of a table's columns, missing where there is none, and the ends of all cells that were measured."""
    found: dict[str, np.ndarray] = {}
    for name, cells in table.cells.items():
        found |= {f"={name}": cells.numbers, f"<{name}": cells.lower, f">{name}": cells.upper}
    return found


def _check_agree(rows: pd.DataFrame, name: str, low: pd.Series, high: pd.Series) -> None:
    """Refuse cells of one patient and time that no value can be in: the highest lower end is above the lowest upper one."""
    clash = (low - high > 1e-9 * np.maximum(low.abs(), high.abs())).to_numpy()
    if clash.any():
        at = int(clash.argmax())
        who, when = rows["who"].iloc[at], rows["when"].iloc[at]
        cells = Cells(rows[f"<{name}"].to_numpy(), rows[f">{name}"].to_numpy())
        here = np.flatnonzero((rows["who"] == who).to_numpy() & (rows["when"] == when).to_numpy() & cells.known)
        values = " but ".join(f"{cells.told(row)} in {rows[''].iloc[row]}" for row in here.tolist())
        raise TableError(
            f"the tables cannot be joined: {name!r} of the patient {shown(who)} at the time {_when(when)} is {values}: mend "
            "that, or say with --no-join that these are different people"
        )


def _cells(numbers: pd.Series, lower: pd.Series, upper: pd.Series) -> Cells:
    """The first number where there is one, else the intersection of the intervals."""
    first, low, high = (part.to_numpy(float) for part in (numbers, lower, upper))
    return Cells(np.where(np.isnan(first), low, first), np.where(np.isnan(first), high, first))


def _when(time: Any) -> str:
    return f"{time:g}" if isinstance(time, float) else str(time)[:10]


def renamed_noise(noise: Any, names: Mapping[str, str]) -> Any:
    """The measurement errors under the names of the joined tables.

    Raises:
        TableError: if two of the joined tables give different errors for one column.
    """
    if not isinstance(noise, Mapping) or all(old == new for old, new in names.items()):
        return noise
    found: dict[Any, Any] = {}
    for key, value in noise.items():
        if not isinstance(value, Mapping):
            found[key] = value
            continue
        sizes = found.setdefault(names.get(str(key), key), {})
        for column, size in value.items():
            if sizes.setdefault(column, size) != size:
                raise TableError(f"the noise of {str(column)!r} differs between tables that are joined: give one for both")
    return found
