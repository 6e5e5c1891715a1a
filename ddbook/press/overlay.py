"""The present run over the reference: whether their parameters agree, and the figure of both."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ddbook.press.digests import digest, file_digest
from ddbook.press.project import REFERENCE, project_root
from ddlib.files import InputError

if TYPE_CHECKING:  # a notebook that draws nothing need not load them
    import pandas as pd
    from matplotlib.figure import Figure

REPETITION = {"seed", "device", "precision", "replicates", "networks", "fits"}
"""Parameters that change how often and where something is computed, not what."""
NOTE = "ddlib-reference"
"""The class of the sentence about the reference in a caption: what the book adds to it later is known by that."""
SHOWN = 4
"""So many parameters are named in a caption."""
DRAWN_FILE = "drawn.json"
"""Where a notebook notes what of the reference its figures were drawn over."""
PARAMETERS = "parameters"
"""Stands for the reference's parameters among the names of its tables."""


class Reference:
    """What the reference recorded for a chapter.

    Args:
        stem: the chapter.
        folder: of the reference; by default ``reference`` in the project.
    """

    def __init__(self, stem: str, folder: Path | None = None) -> None:
        self.stem = stem
        self.folder = (folder or project_root() / REFERENCE) / stem
        self.here = _namespace()
        self.drawn: dict[str, str] = {}

    def note(self, name: str) -> None:
        """Note that something of the reference decides a figure."""
        self.drawn[name] = digest_of(self.folder, name, self.here)

    def table(self, name: str) -> pd.DataFrame | None:
        """A recorded table, or None if there is none."""
        import pandas as pd

        path = _drawn(self.folder / "results" / f"{name}.csv")
        return pd.read_csv(path, low_memory=False) if path.exists() else None

    def differences(self) -> tuple[dict[str, tuple[Any, Any]], dict[str, Any]]:
        """The parameters that keep this run and the reference apart (here, there), and those in which the reference is larger.

        A parameter sets them apart if it has neither the reference's value here nor the notebook's own: somebody asked for another
        study. A run with the notebook's own values is the same study on a smaller scale.
        """
        from ddbook.press.parameters import read_schema  # here, because a notebook elsewhere needs neither it nor a reference

        there = json.loads(_drawn(self.folder / "run.json").read_bytes())["parameters"]
        try:
            notebook = _drawn(project_root() / "notebooks" / f"{self.stem}.ipynb")
            own = {key: item.default for key, item in read_schema(notebook).items()}
        except InputError:  # a copy of the notebook somewhere else
            own = {}
        differing = {name: value for name, value in there.items() if self.here.get(name) != value}
        apart = {
            name: (self.here.get(name), value)
            for name, value in differing.items()
            if name not in REPETITION and (name not in own or self.here.get(name) != own[name])
        }
        return apart, {name: value for name, value in differing.items() if name not in apart and name not in ("seed", "device")}


def digest_of(folder: Path, name: str, here: Mapping[str, Any]) -> str:
    """The SHA-256 of a table of a chapter's reference, or of its parameters; empty where there is none to be drawn.

    Args:
        folder: of the chapter in the reference.
        name: of the table, or :data:`PARAMETERS`.
        here: the parameters of the run: a run with those of the reference is the same again, and not drawn over it.
    """
    if name != PARAMETERS:
        path = _drawn(folder / "results" / f"{name}.csv")
        return file_digest(path) if path.exists() else ""
    path = _drawn(folder / "run.json")
    there = json.loads(path.read_bytes())["parameters"] if path.exists() else {}
    same = all(here.get(key) == value for key, value in there.items() if key != "device")
    return "" if same else digest(there)


def _drawn(path: Path) -> Path:
    """A file that is about to be read for the reference under a figure: of what is only drawn, no result follows."""
    sys.audit("ddbook.reference", str(path))
    return path


def read_drawn(folder: Path) -> dict[str, str]:
    """What of the reference the figures of a run were drawn over; nothing for a run without such figures."""
    path = folder / DRAWN_FILE
    return dict(json.loads(path.read_bytes())) if path.exists() else {}


def over_reference(
    reference: Reference, tables: Mapping[str, pd.DataFrame], draw: Callable[..., Figure], *args: Any, **options: Any
) -> tuple[Figure, str]:
    """The figure ``draw(*args)`` over the same of the reference, and a sentence for its caption.

    Args:
        reference: the chapter's.
        tables: what this run has recorded, by name: an argument that is one of these is the reference's table there.
        draw: makes a figure from tables; called a second time for the reference.
        args, options: its arguments.
    """
    import matplotlib.pyplot as plt

    from ddbook.kit.overlay import lay_over

    figure = draw(*args, **options)
    reference.note(PARAMETERS)
    if not reference.drawn[PARAMETERS]:
        return figure, ""
    apart, larger = reference.differences()
    if apart:
        named = [f"{name} is {_short(here)} here and {_short(there)} there" for name, (here, there) in apart.items()]
        return figure, f"The reference run is not drawn: {_listed(named)}."
    open_before = set(plt.get_fignums())
    try:
        swapped: list[str] = []
        earlier = draw(*(_swapped(each, reference, tables, swapped) for each in args), **options)
        if not swapped:
            raise LookupError("no recorded table is among the arguments")  # this run would lie under itself
        if not lay_over(figure, earlier):
            return figure, ""
    except Exception as error:  # a reference from other code than this run's must not stop the run
        for half_drawn in set(plt.get_fignums()) - open_before:
            plt.close(half_drawn)  # or the notebook would show it
        return figure, f"The reference run is not drawn: its tables do not fit this figure ({type(error).__name__})."
    scale = f" ({_listed([f'{name} = {_short(value)}' for name, value in larger.items()])})" if larger else ""
    return figure, f"Small diamonds: the reference run{scale}."


def _swapped(argument: Any, reference: Reference, tables: Mapping[str, pd.DataFrame], swapped: list[str]) -> Any:
    """The reference's table in the place of this run's, also inside mappings and named tuples; any other argument as it is.

    Of the reference only rows are taken whose texts (methods, problems, conditions) occur in this run too.
    """
    if isinstance(argument, Mapping):
        return {key: _swapped(value, reference, tables, swapped) for key, value in argument.items()}
    if isinstance(argument, tuple) and hasattr(argument, "_asdict"):
        return type(argument)(**{key: _swapped(value, reference, tables, swapped) for key, value in argument._asdict().items()})
    name = next((name for name, table in tables.items() if table is argument), None)
    if name is None:
        return argument
    reference.note(name)
    found = reference.table(name)
    if found is None:
        raise LookupError(f"the reference has no table {name}")
    swapped.append(name)
    from ddlib.settings import is_setting  # here, because it loads torch

    for column in argument.columns.intersection(found.columns):
        if is_setting(column):  # checksums of data differ with the number of replicates
            continue
        if found[column].dtype == object or found[column].dtype.kind not in "biuf":
            found = found[found[column].isin(argument[column]) | found[column].isna()]
    return found


def _listed(named: list[str]) -> str:
    return "; ".join(named[:SHOWN]) + ("; …" if len(named) > SHOWN else "")


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"


def _namespace() -> dict[str, Any]:
    """The names of the notebook that is running, its parameters among them, as they are now; none outside a notebook."""
    try:
        from IPython.core.getipython import get_ipython
    except ImportError:
        return {}
    shell = get_ipython()
    return dict(shell.user_ns) if shell is not None else {}
