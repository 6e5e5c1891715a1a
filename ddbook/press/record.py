"""The one way by which a notebook leaves results behind."""

from __future__ import annotations

import base64
import html
import io
import math
import operator
import os
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ddbook.press.overlay import Reference, over_reference
from ddbook.press.private import PRIVATE
from ddbook.press.project import project_root
from ddlib.files import InputError, write_atomically, write_json

if TYPE_CHECKING:  # a notebook that draws nothing need not load them
    import pandas as pd
    from matplotlib.figure import Figure

    from ddlib.problem import Distilled

RUN_FOLDER = "DDLIB_RUN_DIR"
"""Environment variable by which ``ddbook run`` tells a notebook where to write."""
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
        numbers = self.folder / "results" / "numbers.json"
        if given and numbers.exists():  # a run starts with an empty folder
            raise InputError("this run has a recorder already: make one, in the notebook's first cell, and use it throughout")
        write_json(numbers, self._numbers)

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
            _checked(name): _entry(name, *(value if isinstance(value, tuple) else (value,))) for name, value in values.items()
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
        caption = " ".join(part for part in (caption, self._notes.pop(id(figure), "")) if part)
        return Shown(name, self._number(name), drawn["svg"], drawn["png"], alt, caption)

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


class Shown:
    """A recorded figure as Jupyter displays it: HTML with alternative text, number and caption, or a PNG where there is no HTML.

    Links lead to it by ``#figure-<name>``.
    """

    def __init__(self, name: str, number: str, svg: bytes, png: bytes, alt: str, caption: str) -> None:
        self._name, self._number, self._svg, self._png, self._alt, self._caption = name, number, svg, png, alt, caption

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        source = base64.b64encode(self._svg).decode()
        number = f'<span class="ddlib-number">Figure {self._number}.</span>'
        caption = f'<figcaption class="tex2jax_process mathjax_process">{number} {html.escape(self._caption)}</figcaption>'
        image = f'<img src="data:image/svg+xml;base64,{source}" alt="{html.escape(self._alt)}">'
        return {
            "text/html": f'<figure class="ddlib-figure" id="figure-{self._name}">{image}{caption}</figure>',
            "image/png": base64.b64encode(self._png).decode(),
            "text/plain": self._alt,
        }


def as_name(words: str) -> str:
    """Words as the name of a result: in lower case, whatever is no ASCII letter or digit as underscores.

    >>> as_name("ridge, λ = 0.5")
    'ridge_0_5'
    """
    return re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")


def _entry(name: str, *given: Any) -> dict[str, Any]:
    """A number as it stands in ``results/numbers.json``: Python's own numbers, whatever numbers were given."""
    if not 1 <= len(given) <= 5:
        raise InputError(f"the number {name} was given as {len(given)} things: give value, low, high, n, unit or the first of them")
    defaults: tuple[Any, ...] = (None, None, None, None, "")
    value, low, high, n, unit = given + defaults[len(given) :]
    value = _real(name, value)
    low, high = (None if end is None else _real(name, end) for end in (low, high))
    if not math.isfinite(value):
        raise InputError(f"the number {name} is {value}: record only finite values, and handle the case where there is none")
    if (low is not None and low > value) or (high is not None and high < value):  # an end that is not a number is none
        raise InputError(f"the number {name} is {value}, outside its interval from {low} to {high}: give low ≤ value ≤ high")
    try:
        n = None if n is None else operator.index(n)
    except TypeError:
        raise InputError(f"the number {name} rests on {n!r} replicates: give n as a whole number") from None
    if not isinstance(unit, str):
        raise InputError(f"the number {name} has the unit {unit!r}: give it as text")
    return {"value": value, "low": low, "high": high, "n": n, "unit": unit}


def _real(name: str, given: Any) -> float:
    """A Python float of any one number (of NumPy or torch as well); text is none, even if it reads as one."""
    try:
        if not isinstance(given, str | bytes):
            return float(given)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        pass
    raise InputError(f"the number {name} was given as {type(given).__name__}: give one real number")


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
