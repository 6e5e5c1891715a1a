"""The one way by which a notebook leaves results behind."""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from ddbook.press.numbers import entry
from ddbook.press.overlay import DRAWN_FILE, Reference, over_reference
from ddbook.press.private import PRIVATE
from ddbook.press.project import project_root
from ddbook.press.shown import Shown
from ddlib.files import InputError, write_atomically, write_json

if TYPE_CHECKING:  # a notebook that draws nothing need not load them
    import pandas as pd
    from matplotlib.figure import Figure

    from ddbook.press.kept import Keeper
    from ddlib.problem import Distilled

P = ParamSpec("P")
R = TypeVar("R")
RUN_FOLDER = "DDLIB_RUN_DIR"
"""Environment variable by which ``ddbook run`` tells a notebook where to write."""
STORE = "DDLIB_KEPT"
"""Environment variable with the folder of what runs keep for later ones; ``off`` computes everything anew and keeps nothing."""
GPU_FILE = "gpu.json"
"""Where a notebook says how much memory of the GPU it has held; only its own process knows."""


class Recorder:
    """Writes tables, numbers, distilled sets and figures, each file atomically.

    Under ``ddbook run`` they go to the run's folder; in plain Jupyter or papermill to ``_build/manual/<stem>`` of the project. A
    run has one recorder and records each name once. By hand a name is replaced, because whoever executes a cell again means the new
    value.

    Args:
        stem: the notebook's file name without its ending; numbers are quoted as ``<stem without its number>.<name>``.

    Attributes:
        folder: where the results go.

    Raises:
        InputError: if this run has a recorder already: a second one would know nothing of what the first has recorded.
    """

    def __init__(self, stem: str) -> None:
        given = os.environ.get(RUN_FOLDER)
        self.folder = Path(given) if given else project_root() / "_build" / "manual" / stem
        self._recorded: set[str] | None = set() if given else None
        self._numbers: dict[str, dict[str, Any]] = {}
        self._tables: dict[str, pd.DataFrame] = {}
        self._reference = Reference(stem)
        self._notes: dict[int, str] = {}
        self._chapter = re.match(r"\d+", stem)
        self._figures: list[str] = []
        # made at once where it can be: it sees what a notebook sets from then on
        self._keep: Keeper | None = self._keeper() if given and "torch" in sys.modules else None
        numbers = self.folder / "results" / "numbers.json"
        if given and numbers.exists():  # a run starts with an empty folder
            raise InputError("this run has a recorder already: make one, in the notebook's first cell, and use it throughout")
        write_json(numbers, self._numbers)

    def _keeper(self) -> Keeper:
        from ddbook.press.kept import keeper  # loads torch: only for chapters that keep something

        return keeper(self.folder)

    def kept(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """``function(*args, **kwargs)``, from the store if a run has done this very computation before: see :mod:`.kept`.

        By hand it is always computed: what the kernel has loaded may be older than the files.

        Raises:
            InputError: if the function or an argument cannot be known by its content, as a generator of random numbers cannot, or
                its value cannot be stored.
        """
        if self._recorded is None:
            return function(*args, **kwargs)
        if self._keep is None:
            self._keep = self._keeper()
        return self._keep(function, *args, **kwargs)

    def table(self, name: str, frame: pd.DataFrame, final: bool = True) -> pd.DataFrame:
        """Write ``results/<name>.csv``, one row per setting, method and seed; returns the frame.

        Args:
            name: in lower case, unique in the notebook.
            frame: the table.
            final: whether these are all its rows. If not, nothing is written yet, and the table can be drawn over the reference's.

        Raises:
            InputError: if the name is not in lower case with underscores, or this run has recorded it before.
        """
        path = f"results/{_checked(name)}.csv"
        if final:
            rows = frame.to_csv(index=False)
            self._once(path)
            self._write(path, rows)
        self._tables[name] = frame
        return frame

    def number(
        self, name: str, value: float, low: float | None = None, high: float | None = None, n: int | None = None, unit: str = ""
    ) -> None:
        """Add a number to ``results/numbers.json``, for prose and claims.

        Args:
            name: in lower case, unique in the notebook.
            value: the number; a value that is not finite is refused, because no sentence could quote it.
            low, high: ends of its 95 % interval, where there is one.
            n: how many replicates it rests on.
            unit: as it should be printed.

        Raises:
            InputError: if the name is not in lower case with underscores, or was recorded before by this run, or the value is not
                finite, an end lies on the wrong side of it, n is no whole number, or unit is no text.
        """
        self.numbers({name: (value, low, high, n, unit)})

    def numbers(self, values: Mapping[str, float | tuple[Any, ...]]) -> None:
        """Add several numbers, of which either all are written or none.

        Args:
            values: for each name the value alone, or the arguments of :meth:`number` after the name: a
                :class:`~ddlib.statistics.Number`, an :class:`~ddlib.statistics.Estimate` or any other tuple.

        Raises:
            InputError: as for :meth:`number`.
        """
        entries = {
            _checked(name): entry(name, *(value if isinstance(value, tuple) else (value,))) for name, value in values.items()
        }
        self._once(*(f"the number {name}" for name in entries))
        self._numbers |= entries
        write_json(self.folder / "results" / "numbers.json", self._numbers)

    def distilled(
        self, problem: str, method: str, sets: Distilled, columns: list[str] | None = None, *, real_patients: bool = False
    ) -> None:
        """Write ``results/distilled_<problem>_<method>_<budget>.csv``: one row per unit (and time slice), all replicates.

        Args:
            problem, method: names in lower case.
            sets: the distilled sets; units are rows of shape (d,) or trajectories of shape (T, p).
            columns: names of the d (or p) variables; by default x0, x1, …
            real_patients: whether the set was begun at, or drawn from, records of patients that this project may not hand on:
                CDISC, pbcseq, files of the authors. The file is then ``distilled_private_…``, kept out of reference and book.

        Raises:
            InputError: if there is not one name per variable, one is given twice or taken (seed, unit, time, y, weight), or the set
                was recorded before by this run.
        """
        start = PRIVATE if real_patients else "distilled_"
        path = f"results/{start}{_checked(problem)}_{_checked(method)}_{sets.budget}.csv"
        rows = _rows(sets, columns).to_csv(index=False)
        self._once(path)
        self._write(path, rows)

    def over_reference(self, draw: Callable[..., Figure], *args: Any, **options: Any) -> Figure:
        """The figure ``draw(*args)`` over that of the reference run, where there is one and the parameters agree.

        Tables among the arguments have to be recorded before, as the very objects; the caption will say what was drawn or why not.
        """
        figure, note = over_reference(self._reference, self._tables, draw, *args, **options)
        self._notes[id(figure)] = note
        write_json(self.folder / DRAWN_FILE, self._reference.drawn)
        return figure

    def figure(self, name: str, figure: Figure, alt: str, caption: str = "") -> Any:
        """Write ``figures/<name>.svg`` and ``.png``, close the figure, and return what shows it; the last expression of its cell.

        Figures are numbered in the order in which their names are first recorded, after the chapter: "Figure 4.2".

        Args:
            name: in lower case.
            figure: the matplotlib figure.
            alt: what the figure shows, for readers who cannot see it.
            caption: a sentence or two below it; mathematics between dollars.

        Raises:
            InputError: if the alternative text is empty, or this run has recorded the name before.
        """
        import matplotlib as mpl
        import matplotlib.pyplot as plt

        from ddbook.kit.figures import themed

        if not alt.strip():
            raise InputError(f"the figure {name} needs an alternative text: say in a sentence what it shows")
        self._once(f"figures/{_checked(name)}")
        if name not in self._figures:
            self._figures.append(name)
        drawn = {}
        for ending, metadata in (("svg", {"Date": None}), ("png", {})):
            stream = io.BytesIO()
            with mpl.rc_context({"svg.hashsalt": "ddlib"}):  # as without the date: the same figure gives the same file
                figure.savefig(stream, format=ending, bbox_inches="tight", metadata=metadata)
            drawn[ending] = themed(stream.getvalue()) if ending == "svg" else stream.getvalue()
            self._write(f"figures/{name}.{ending}", drawn[ending])
        plt.close(figure)
        note = self._notes.pop(id(figure), "")
        return Shown(name, self._number(name), drawn["svg"], drawn["png"], alt, caption, note)

    def _number(self, name: str) -> str:
        """The chapter's number and the figure's own; the latter alone in a notebook without a number."""
        own = str(self._figures.index(name) + 1)
        return f"{int(self._chapter.group())}.{own}" if self._chapter else own

    def _once(self, *names: str) -> None:
        """Refuse what this run has recorded before; otherwise take note of it."""
        if self._recorded is None:
            return
        for name in names:
            if name in self._recorded:
                raise InputError(
                    f"this run has recorded {name} before: give each result its own name, and record it when it is final"
                )
        self._recorded.update(names)

    def _write(self, path: str, content: str | bytes) -> None:
        write_atomically(self.folder / path, content)
        torch = sys.modules.get("torch")  # whoever has not loaded it holds no memory of a GPU
        if torch is not None and torch.cuda.is_initialized():
            write_json(self.folder / GPU_FILE, {"peak_memory_bytes": torch.cuda.max_memory_allocated()})


def as_name(words: str) -> str:
    """Words as the name of a result: in lower case, whatever is no ASCII letter or digit as underscores.

    >>> as_name("ridge, λ = 0.5")
    'ridge_0_5'
    """
    return re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")


def _checked(name: str) -> str:
    if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise InputError(f"{name!r} cannot be the name of a result: use lower-case letters, digits and underscores, a letter first")
    return name


def _rows(sets: Distilled, columns: list[str] | None) -> pd.DataFrame:
    """A tidy frame: seed, unit, (time), the variables, the labels, the weight."""
    import numpy as np
    import pandas as pd

    x, y, w = (part.detach().cpu().numpy() for part in sets)
    replicates, budget = w.shape
    slices = x.shape[2] if x.ndim == 4 else 1
    names = list(columns or []) or [f"x{i}" for i in range(x.shape[-1])]
    if len(names) != x.shape[-1]:
        raise InputError(f"{len(names)} column names were given for {x.shape[-1]} variables: give one each")
    labels = y.reshape(replicates, budget, -1)
    label_names = ["y"] if labels.shape[-1] == 1 else [f"y{i}" for i in range(labels.shape[-1])]
    taken = {"seed", "unit", "time", "y", "weight", *label_names}
    clash = [name for i, name in enumerate(names) if name in taken or name in names[:i]]
    if clash:
        raise InputError(f"the column name {clash[0]} is taken in a distilled set: give each variable a name of its own")
    seed, unit, time = (axis.ravel() for axis in np.indices((replicates, budget, slices)))
    frame = pd.DataFrame({"seed": seed, "unit": unit} | ({"time": time} if x.ndim == 4 else {}))
    frame[names] = x.reshape(-1, x.shape[-1])
    for i, name in enumerate(label_names):
        frame[name] = np.repeat(labels[..., i].ravel(), slices)
    frame["weight"] = np.repeat(w.ravel(), slices)
    return frame
