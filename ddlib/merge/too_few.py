r"""Whether the patients are enough for what is estimated: of patients, not of rows, which are many where visits are.

What differs between patients is known from the patients alone, however often each was seen. Two quantities are of that kind:

- the mean of a column at a visit, whose standard error is :math:`1/\sqrt{n}` of the column's standard deviation, n being the
  patients who have it at a typical visit; and, where hospitals have offsets, the mean of the average hospital, in which each of K
  hospitals counts the same: then n is :math:`K^2 / \sum_k 1/n_k` at most;
- correlations between patients of P columns, for which n should be a few times P.

Below 25 patients the standard error is more than a fifth of a standard deviation, what is usually called a small effect; below 5 P
(or with that many parameters for the values of all patients) the expected loss in log-likelihood is more than 5 % of a nat for each
value of a new patient.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Int
from torch import Tensor

from ddlib.merge.coverage import patients_with
from ddlib.merge.estimate import MergeEstimate
from ddlib.merge.model.law import size
from ddlib.merge.panel import Panel
from ddlib.merge.warned import Warned
from ddlib.merge.wording import counted, listed

_LOSS = 0.05
"""Expected loss per value, in nats, above which there are too few patients."""
_ERROR = 0.2
"""Standard error of a visit's mean, in the column's standard deviations, above which there are too few patients."""
_EACH = 5
"""Patients for each column, at least."""
_NAMED = 3


def too_few(panel: Panel, estimate: MergeEstimate, counts: Int[Tensor, "D D"]) -> list[Warned]:
    """One warning, if there are too few patients for visits' means, for correlations between patients, or for the parameters.

    Args:
        panel: the patients.
        estimate: the merged estimate.
        counts: patients who have both of two entries.
    """
    shape, names = estimate.chosen.fit.shape, [*panel.columns, *panel.static]
    said = [*_of_parameters(panel, estimate)]
    means = _patients_of_means(panel, counts, shape.hospitals)
    few = np.flatnonzero(means < _ERROR**-2)
    if len(few):
        fewest = max(float(means[few].min()), 1.0)
        columns = listed([repr(names[i]) for i in few], _NAMED)
        where = "the average hospital, in which each counts the same, has" if shape.hospitals else "a visit has"
        said.append(
            f"of {columns} {where} the weight of about {counted(round(fewest), 'patient')}, however many rows there are, so chance "
            f"moves its means by {fewest**-0.5:.2g} standard deviations, and correlations between patients likewise."
        )
    elif not said and (number := float(np.median(patients_with(panel).sum(0)))) < _EACH * len(names):
        said.append(
            f"correlations of {counted(len(names), 'column')} between patients rest on {number:.0f} patients, however many rows "
            f"there are: about {_EACH * len(names):,}, or fewer columns, would do."
        )
    return [Warned("too few patients", " Also, ".join(said), tuple(names[i] for i in few))] if said else []


def _of_parameters(panel: Panel, estimate: MergeEstimate) -> list[str]:
    """A sentence where the expected loss, parameters / 2N nats per patient, is large for the values that a patient has."""
    shape = estimate.chosen.fit.shape
    parameters, patients = size(shape), sum(len(values) for values in panel.values)
    if parameters / (2 * patients) <= _LOSS * shape.entries:
        return []
    needed = int(parameters / (2 * _LOSS * shape.entries)) + 1
    return [
        f"{parameters:,} parameters were estimated from {counted(patients, 'patient')}: those that the records determine least "
        f"rest on the prior and on chance. About {counted(needed, 'complete patient')}, or fewer columns, would do."
    ]


def _patients_of_means(panel: Panel, counts: Int[Tensor, "D D"], offsets: bool) -> np.ndarray:
    """The patients that the mean of each column rests on at a typical visit, static columns last.

    Args:
        panel: the patients.
        counts: patients who have both of two entries.
        offsets: whether hospitals have offsets, so that each counts the same in the average.
    """
    visits, p = panel.visits.number, len(panel.columns)
    number = counts.diagonal().numpy()
    at_visits = number[: visits * p].reshape(visits, p)[panel.visits.reported]
    found = np.concatenate([_typical(at_visits), number[visits * p :]]).astype(float)
    if offsets:
        of_hospitals = patients_with(panel).numpy().astype(float)
        has = of_hospitals > 0
        inverse = np.divide(1.0, of_hospitals, out=np.zeros_like(of_hospitals), where=has)
        found = np.minimum(found, has.sum(0) ** 2 / np.maximum(inverse.sum(0), 1e-9))
    return found


def _typical(at_visits: np.ndarray) -> np.ndarray:
    """The median number of the visits at which anybody has the column; zero where nobody does."""
    seen = np.where(at_visits > 0, at_visits, np.nan)
    some = (at_visits > 0).any(0)
    return np.where(some, np.nanmedian(np.where(some, seen, 0.0), axis=0), 0.0)
