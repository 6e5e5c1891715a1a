"""The merge with the manners of scikit-learn: options first, then ``fit``, then everything that a fitted law can do."""

from __future__ import annotations

import inspect
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.dbn.model.network import Gaussian
from ddlib.merge.columns import nearest, shown
from ddlib.merge.completion import (
    Completed,
    check_number,
    completed_notes,
    completed_rows,
    completed_tables,
    drawn_tables,
    entry_noise,
    known_cells,
)
from ddlib.merge.errors import TableError
from ddlib.merge.given import seeded
from ddlib.merge.latent import expected_rows
from ddlib.merge.layout import patients_table, synthetic_names
from ddlib.merge.merging import Merged, merge
from ddlib.merge.newcomers import Newcomers, read_newcomers
from ddlib.merge.people import are_whole
from ddlib.merge.possible import check_possible
from ddlib.merge.posterior import Drawn, drawn_laws, the_estimate
from ddlib.merge.rows import synthetic_patients
from ddlib.merge.scales import own_moments
from ddlib.merge.streams import Streams
from ddlib.merge.threads import few_threads
from ddlib.merge.timeless import named_time

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Merge"]

_DEFAULTS = {
    name: parameter.default
    for name, parameter in inspect.signature(merge).parameters.items()
    if parameter.default is not parameter.empty and name != "time"
}
"""The options of a merge."""


class Merge:
    """A merge as an estimator.

    It can be cloned, pickled, and put into a search over its options, as scikit-learn's estimators can.

    Attributes:
        merged_: what :func:`ddlib.merge.merge <ddlib.merge.merging.merge>` gives.

    >>> import pandas as pd
    >>> north = pd.DataFrame({"id": [1, 1, 2, 2, 3, 3], "time": [0, 1] * 3, "hb": [13.0, 12.0, 11.0, None, 14.0, 13.5]})
    >>> south = north.assign(hb=north.hb + 0.5)
    >>> model = Merge("id", "time", join="never").fit({"north": north, "south": south})
    >>> model.sample(4).shape, len(model.complete(draws=3).tables), model.predict(north, "hb").shape
    ((8, 3), 3, (6, 2))
    """

    def __init__(self, id: str, time: str | None = None, **options: Any) -> None:
        """The options are those of :func:`ddlib.merge.merge <ddlib.merge.merging.merge>`; no time where patients have one row each.

        Raises:
            TableError: if an option is unknown.
        """
        self.id = id
        self.time = time
        self._options = dict(_DEFAULTS)
        self._take(options)

    def _take(self, options: dict[str, Any]) -> None:
        for name, value in options.items():
            if name not in _DEFAULTS:
                raise TableError(f"a merge has no option {shown(name)}: {nearest(name, _DEFAULTS)}")
            self._options[name] = value

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """All options and their values."""
        return {"id": self.id, "time": self.time, **self._options}

    def set_params(self, **options: Any) -> Merge:
        """Change options; what was fitted stays until the next fit.

        Raises:
            TableError: if an option is unknown.
        """
        self.id, self.time = options.pop("id", self.id), options.pop("time", self.time)
        self._take(options)
        return self

    def __repr__(self) -> str:
        changed = {name: value for name, value in self._options.items() if not _same(value, _DEFAULTS[name])}
        return f"Merge({', '.join([repr(self.id), repr(self.time), *(f'{name}={value!r}' for name, value in changed.items())])})"

    def __getstate__(self) -> dict[str, Any]:
        """What is called during the work is not pickled."""
        return {**self.__dict__, "_options": {**self._options, "progress": None, "notice": None}}

    def fit(self, frames: Any, y: None = None) -> Merge:
        """Read the sources' tables and fit the model.

        Args:
            frames: a mapping from names to DataFrames, or a sequence.
            y: of no account.

        Raises:
            TableError: if the tables or the options cannot be used.
        """
        self.merged_: Merged = merge(frames, self.id, self.time, **self._options)
        return self

    @property
    def report(self) -> dict[str, Any]:
        """The report, as plain dictionaries, lists, texts and numbers."""
        return self._fitted().report

    @property
    def law_(self) -> Gaussian:
        """Mean and covariance of a complete patient, as in :class:`~ddlib.merge.merging.Merged`."""
        return self._fitted().law

    def sample(self, n: int = 100, seed: int = 0) -> pd.DataFrame:
        """Synthetic patients that carry the estimate's mean and covariance exactly, as far as their number allows.

        They do not carry its uncertainty: for standard errors see :meth:`draws`.

        Args:
            n: the number of patients.
            seed: of the directions in which they scatter.
        """
        panel, found = self._fitted().panel, self._fitted().estimate
        if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
            raise TableError(f"the number of synthetic patients must be a whole number of 1 or more, but it is {shown(n)}")
        visits = int(panel.visits.reported.sum())
        generator = seeded(seed)
        with few_threads():
            patients = synthetic_patients(found.law, n, visits, len(panel.static), generator)
        return patients_table(panel, found.scales.own(patients, visits), synthetic_names(panel, n), self.id, self._time)

    def draws(self, draws: int = 20, n: int | None = None, seed: int = 0) -> list[pd.DataFrame]:
        """Random synthetic patients that carry the estimate's uncertainty: see :func:`~ddlib.merge.completion.drawn_tables`."""
        return drawn_tables(self._fitted().panel, self._fitted().estimate, self.id, self._time, draws, n, seed)

    def complete(
        self, frame: pd.DataFrame | str | None = None, draws: int = 5, seed: int = 0, hospital: str | None = None
    ) -> Completed:
        """Patients with their missing cells drawn, several times: see :func:`~ddlib.merge.completion.completed_tables`.

        Args:
            frame: a table of other patients, or the name of one of the sources; all the hospitals' own patients when not given.
            draws: the number of tables m.
            seed: of the draws.
            hospital: the source that patients of a table are like; the average of all when not given.

        Raises:
            TableError: if there is no such source, or the table cannot be read or has values that cannot be
                (:func:`ddlib.merge.possible.check_possible`); those that are only far from all others are told of in the notes.
        """
        panel, found = self._fitted().panel, self._fitted().estimate
        if frame is None or isinstance(frame, str):
            every = completed_tables(panel, found, self.id, self._time, draws, seed)
            if frame is None:
                return every
            kept = (every.tables[0]["source"] == panel.sources[self._source(frame)]).to_numpy()
            tables = [table[kept].reset_index(drop=True) for table in every.tables]
            return Completed(tables, every.drawn[kept].reset_index(drop=True), every.notes)
        check_number(draws)
        new = read_newcomers(panel, frame, self.id, self._time)
        far = check_possible(panel, found.scales, new)
        generator, visits = seeded(seed), int(panel.visits.reported.sum())
        names = [int(name) for name in new.names] if panel.visits.whole_ids and are_whole(new.names) else new.names
        with few_threads():
            noise = self._noise(hospital)
            rows = [
                completed_rows(
                    found.scales,
                    new.values,
                    self._mean(drawn, hospital),
                    noise,
                    visits,
                    Streams.of(new.names, seed, k),
                    new.limits,
                )
                for k, drawn in enumerate(drawn_laws(panel, found, draws, generator))
            ]
        tables = [patients_table(panel, patients, names, self.id, self._time) for patients in rows]
        known = known_cells(new.values, new.limits)
        drawn = patients_table(panel, known, names, self.id, self._time)[panel.output].isna()
        return Completed(tables, drawn, (*completed_notes(found, new.limits is not None), *far))

    def predict(self, frame: pd.DataFrame, column: str, hospital: str | None = None) -> pd.DataFrame:
        """A column's value at each row, given everything that the table has of the patient, earlier and later visits.

        Where the cell itself is measured that is what was measured, apart from noise; leave it empty for a prediction.

        Args:
            frame: a row is a visit of a patient; columns may be missing.
            column: to predict.
            hospital: the source that the patients are like; the average of all when not given.

        Returns:
            Expectation and standard deviation, ``mean`` and ``sd``, for each row of the table, with its index. The standard
            deviation is a patient's under the fitted law: the uncertainty of the law itself is not in it.

        Raises:
            TableError: if there is no such column or source, or the table cannot be read or has values that cannot be
                (:func:`ddlib.merge.possible.check_possible`); those that are only far from all others are warned of.
        """
        import pandas as pd

        panel = self._fitted().panel
        if column not in panel.output:
            raise TableError(f"the merge has no column {shown(column)}: {nearest(str(column), panel.output)}")
        new: Newcomers = read_newcomers(panel, frame, self.id, self._time)
        found, visits = self._fitted().estimate, int(panel.visits.reported.sum())
        for text in check_possible(panel, found.scales, new):
            warnings.warn(text, stacklevel=2)
        law, noise = self._mean(the_estimate(panel, found), hospital), self._noise(hospital)
        with few_threads():
            mean, variance = expected_rows(found.scales, new.values, law, noise, visits, new.limits)
        p, static = len(panel.columns), column in panel.static
        place = visits * p + panel.static.index(column) if static else new.visit * p + panel.columns.index(column)
        margin = found.scales.fixed[panel.static.index(column)] if static else found.scales.moving[panel.columns.index(column)]
        cells = zip(mean[new.patient, place].tolist(), variance.sqrt()[new.patient, place].tolist(), strict=True)
        found_cells = np.array([own_moments(margin, *cell) for cell in cells]).reshape(-1, 2)
        measured = new.values[new.patient, place].numpy()
        exact = ~np.isnan(measured) & (noise.numpy()[place] == 0)
        found_cells[exact] = np.stack([measured, np.zeros(len(measured))], axis=1)[exact]
        return pd.DataFrame(found_cells, columns=["mean", "sd"], index=frame.index)

    @property
    def _time(self) -> str:
        return named_time(self.time)

    def _fitted(self) -> Merged:
        if not hasattr(self, "merged_"):
            raise TableError("this merge is not fitted yet: call fit with the tables first")
        return self.merged_

    def _source(self, name: str) -> int:
        sources = self._fitted().panel.sources
        if name not in sources:
            raise TableError(f"the merge has no table {shown(name)}: {nearest(name, sources)}")
        return sources.index(name)

    def _mean(self, drawn: Drawn, hospital: str | None) -> Gaussian:
        return drawn.law if hospital is None else Gaussian(drawn.hospitals[self._source(hospital)], drawn.law.covariance)

    def _noise(self, hospital: str | None) -> Float[Tensor, " E"]:
        """Of one hospital, or that of the average one: the mean of the variances."""
        panel = self._fitted().panel
        chosen = range(len(panel.sources)) if hospital is None else [self._source(hospital)]
        return torch.stack([entry_noise(panel, k) for k in chosen]).mean(0)


def _same(value: Any, default: Any) -> bool:
    return value is default or (type(value) is type(default) and isinstance(value, str | int | float | tuple) and value == default)
