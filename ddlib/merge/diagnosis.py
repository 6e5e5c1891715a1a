"""What a reader should be warned of before using a merged table."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from scipy.special import ndtri
from torch import Tensor

from ddlib.dbn.model.network import Gaussian
from ddlib.merge.expectation import fill_gaps
from ddlib.merge.panel import Panel
from ddlib.merge.patterns import Group
from ddlib.merge.wording import counted, worth

_SKEWED = 1.0
"""Skewness, to either side, of a column that is called skewed."""
_EXTREME = 8.0
"""Distance from a column's median, in robust standard deviations, above which a value is pointed out."""
_STEADY = 3
"""Patients with two measurements or more that it takes to say that a column never changes within a patient."""
_COLLINEAR = 0.99
"""Share of a column's variance that the others explain, above which it is called collinear."""
_LOSS = 0.05
"""Expected loss per value, in nats, above which there are too few patients."""
_SHIFTED = 1.5
"""Distance of a source's mean from the others', in standard deviations, or log₂ of the ratio of the standard deviations."""
_PERSISTENT = 0.05
"""Correlation of prediction errors two or more visits apart, above which the process is not called Markov."""


class Warned(NamedTuple):
    """One warning.

    Attributes:
        kind: a word for programs.
        text: a sentence or two for readers.
    """

    kind: str
    text: str


def column_warnings(panel: Panel) -> list[Warned]:
    """Columns that are skewed or have few distinct values or extreme ones, and those whose level or spread differs by source."""
    found = []
    for i, name in enumerate(panel.columns):
        parts = [values[..., i][~values[..., i].isnan()] for values in panel.values]
        everything = torch.cat(parts)
        far = _extremes(everything)
        if far.any():
            values = everything[far]
            listed = ", ".join(f"{value:g}" for value in values.unique().tolist()[:3])
            found.append(
                Warned(
                    "extreme values",
                    f"{name!r} has {counted(len(values), 'value')} more than {_EXTREME:g} robust standard deviations from its "
                    f"median ({everything.median():.4g}), for example {listed}: "
                    "if that is a code for missing, leave those cells empty.",
                )
            )
        distinct = everything.unique()
        if len(distinct) <= 5:
            listed = ", ".join(f"{value:g}" for value in distinct.tolist())
            found.append(
                Warned("few values", f"{name!r} takes only the values {listed}; its synthetic values lie between them too.")
            )
        else:
            found += _skewed(name, everything[~far])
        found += _shifts(panel, name, parts)
    return found


def _extremes(values: Float[Tensor, " n"]) -> Bool[Tensor, " n"]:
    """Which values are far from the median, for their median distance from it; positive ones also on a logarithmic scale."""
    far = _far(values)
    return far & _far(values.log()) if bool((values > 0).all()) else far


def _far(values: Float[Tensor, " n"]) -> Bool[Tensor, " n"]:
    distance = (values - values.median()).abs()
    scale = distance.median() / ndtri(0.75)
    if not scale > 0:  # more than half of the values are the same
        scale = distance.sort().values[int(0.9 * (len(values) - 1))] / ndtri(0.95)
    return (distance > _EXTREME * scale) & (scale > 0)


def _skewed(name: str, values: Float[Tensor, " n"]) -> list[Warned]:
    deviation = (values - values.mean()) / values.std(correction=0)
    skewness, positive = float((deviation**3).mean()), bool((values > 0).all())
    if not abs(skewness) > _SKEWED:
        return []
    if skewness < 0:
        side, cure = "left", "transform it (for example, take the logarithm of its distance from an upper limit)"
    elif positive:
        side, cure = "right", "take its logarithm"
    else:
        side, cure = "right", "transform it (it has values of 0 or less, so not by a logarithm)"
    why = ", also so that synthetic values stay positive" if side == "right" and positive else ""
    text = f"{name!r} is skewed to the {side} (skewness {skewness:.1f}): {cure} in all tables before merging{why}."
    return [Warned("skewed", text)]


def steady(panel: Panel) -> list[Warned]:
    """Columns that never change within a patient, such as age at entry or sex."""
    repeated = torch.zeros(len(panel.columns), dtype=torch.long)
    changed = torch.zeros(len(panel.columns), dtype=torch.bool)
    for values in panel.values:
        several = (~values.isnan()).sum(1) > 1
        low, high = values.nan_to_num(nan=torch.inf).amin(1), values.nan_to_num(nan=-torch.inf).amax(1)
        repeated += several.sum(0)
        changed |= (several & (high > low)).any(0)
    names = [name for name, never in zip(panel.columns, (~changed & (repeated >= _STEADY)).tolist(), strict=True) if never]
    if not names:
        return []
    alone = len(names) == 1
    listed, options = ", ".join(map(repr, names)), " ".join(f"--drop {shlex.quote(name)}" for name in names)
    return [
        Warned(
            "never changes",
            f"{listed} never change{'s' * alone} within a patient in the data, but {'its' if alone else 'their'} synthetic values "
            f"will: leave {'it' if alone else 'them'} out with {options}, or use {'its' if alone else 'their'} first visit only.",
        )
    ]


def _shifts(panel: Panel, name: str, parts: list[Tensor]) -> list[Warned]:
    found = []
    for k, part in enumerate(parts):
        others = torch.cat([other for j, other in enumerate(parts) if j != k])
        if len(part) < 10 or len(others) < 10:
            continue
        far = float((part.mean() - others.mean()).abs() / others.std())
        ratio = float((part.std() / others.std()).log2().abs())
        if far > _SHIFTED or ratio > _SHIFTED:
            found.append(
                Warned(
                    "differs between sources",
                    f"{name!r} is {part.mean():.4g} ± {part.std():.2g} in {panel.sources[k]} but {others.mean():.4g} ± "
                    f"{others.std():.2g} elsewhere: check its unit, and whether the patients are comparable.",
                )
            )
            if len(parts) == 2:
                break
    return found


def visit_warnings(panel: Panel) -> list[Warned]:
    """Times that are not equally far apart, and visits that few patients have."""
    found = []
    labels = panel.visits.labels
    steps = np.diff(labels.astype("int64") if labels.dtype.kind == "M" else labels)
    if len(steps) > 1 and steps.max() > 1.5 * steps.min():
        found.append(
            Warned(
                "uneven visits",
                f"the visits are not equally far apart (the longest step is {steps.max() / max(steps.min(), 1e-300):.3g} times the "
                "shortest), but the model takes every step from one visit to the next for the same.",
            )
        )
    if panel.dropped:
        text = f"{counted(panel.dropped, 'patient')} without any measurement {'was' if panel.dropped == 1 else 'were'}"
        found.append(Warned("empty patients", f"{text} left out."))
    return found


def collinear(panel: Panel) -> list[Warned]:
    """Columns that the others of the same visit determine, by the rows of each source in which none of its columns is missing."""
    names: list[str] = []
    for k in range(len(panel.sources)):
        rows = panel.standard(k)[0].flatten(0, 1)
        keep = (~rows.isnan()).any(0).nonzero().squeeze(-1)
        rows = rows[:, keep]
        rows = rows[~rows.isnan().any(-1)]
        if len(keep) < 2 or len(rows) < 3 * len(keep) or not bool((rows.std(0) > 0).all()):
            continue
        correlation = torch.corrcoef(rows.mT)
        precision = torch.linalg.inv(correlation + 1e-9 * torch.eye(len(keep), dtype=correlation.dtype))
        explained = 1 - 1 / precision.diagonal()
        names += [panel.columns[keep[i]] for i in (explained > _COLLINEAR).nonzero().flatten().tolist()]
    if not names:
        return []
    listed = ", ".join(map(repr, dict.fromkeys(names)))
    return [
        Warned(
            "collinear",
            f"{listed}: determined by the other columns of the same visit to more than {_COLLINEAR:.0%} of the variance; drop what "
            "is computed from other columns.",
        )
    ]


def too_few(patients: float, parameters: int, entries: int) -> list[Warned]:
    """Warn where the expected loss, parameters / 2N nats per patient, is large for the values that a patient has.

    Args:
        patients: the effective number N.
        parameters: of the model.
        entries: values per complete patient.
    """
    if patients > 0 and parameters / (2 * patients) <= _LOSS * entries:
        return []
    needed = int(np.ceil(parameters / (2 * _LOSS * entries)))
    return [
        Warned(
            "too few patients",
            f"{parameters:,} parameters were estimated from records that are worth {worth(patients, 'complete')}: those that "
            "the records determine least rest on the prior and on chance. "
            f"About {counted(needed, 'complete patient')}, or fewer columns, would do.",
        )
    ]


class Persistence(NamedTuple):
    """Correlation of a column's prediction errors two or more visits apart; zero in expectation where the model is right.

    Attributes:
        correlation: averaged over patients and pairs of visits.
        z: the same in standard errors.
    """

    correlation: Float[Tensor, " p"]
    z: Float[Tensor, " p"]


def persistence(law: Gaussian, groups: Sequence[Group], visits: int) -> Persistence | None:
    r"""Test of the Markov property: are errors of prediction from the whole past correlated over two or more visits?

    With :math:`LL^\top = C` for measurements in the order of time, the entries of :math:`L^{-1}(y - \mu)` are standardised errors
    of prediction, which are uncorrelated under the model. Those two or more visits apart are not fitted by it, unlike those one
    apart. A stable level of each patient, or any longer memory, makes them correlated. Gaps are filled by their expectation, which
    makes the test conservative. None for two visits.
    """
    if visits < 3:
        return None
    variables = len(law.mean[0]) // visits
    total, weight = law.mean.new_zeros(variables), law.mean.new_zeros(variables)
    for group in groups:
        size, mean, covariance, _ = fill_gaps(law, group)
        index = group.observed.nonzero().squeeze(-1)
        root = torch.linalg.cholesky(law.covariance[0][index][:, index] + torch.diag(group.noise[index]))
        off = (mean - law.mean[0])[index]
        second = covariance[index][:, index] + torch.outer(off, off)
        white = torch.linalg.solve_triangular(root, torch.linalg.solve_triangular(root, second, upper=False).mT, upper=False)
        time, column = index // variables, index % variables
        counted = (column.unsqueeze(-1) == column) & (time.unsqueeze(-1) - time >= 2)
        total.index_add_(0, column, size * (white * counted).sum(-1))
        weight.index_add_(0, column, size * counted.sum(-1).to(total.dtype))
    return Persistence(total / weight.clamp(min=1), total / weight.clamp(min=1).sqrt())


def not_markov(found: Persistence | None, columns: Sequence[str]) -> list[Warned]:
    """Warn where prediction errors are correlated, by Bonferroni's rule at 0.1 %."""
    if found is None:
        return []
    limit = float(-ndtri(0.0005 / len(columns)))
    strong = (found.z.abs() > limit) & (found.correlation.abs() > _PERSISTENT)
    if not bool(strong.any()):
        return []
    names = [f"{columns[i]!r} ({found.correlation[i]:+.2f})" for i in strong.nonzero().flatten().tolist()]
    return [
        Warned(
            "not Markov",
            f"what the model fails to predict of {', '.join(names)} is correlated two and more visits apart: patients have "
            "stable levels "
            "or a longer memory than one visit. Covariances of successive visits are estimated as best this model can; those "
            "over longer times are not to be relied on.",
        )
    ]
