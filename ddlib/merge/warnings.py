"""Everything that a reader of a merge is warned of."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Int
from scipy.special import ndtri
from torch import Tensor

from ddlib.merge.checks.before import before_merge
from ddlib.merge.checks.ranges import range_warnings
from ddlib.merge.checks.warned import Records
from ddlib.merge.coverage import patients_with, patients_with_both
from ddlib.merge.estimate import MergeEstimate
from ddlib.merge.margins import Identity
from ddlib.merge.misfit import misfits
from ddlib.merge.model.persistence import Persistence
from ddlib.merge.ordered import unordered
from ddlib.merge.panel import Panel
from ddlib.merge.rows import patients_needed
from ddlib.merge.scales import Scales
from ddlib.merge.together import in_words, unmeasured
from ddlib.merge.too_few import too_few
from ddlib.merge.warned import Warned
from ddlib.merge.wording import counted, listed

_PERSISTENT = 0.05
"""Correlation of prediction errors two or more visits apart, above which the process is not called Markov."""
_HARDLY, _FEWEST = 10, 3
"""Patients of a column, and of a column at one visit, below which a reader is warned."""
_TOGETHER = 20
"""Patients who have both of two columns, below which a reader is warned."""
_MOST_NAMED = 5
"""Pairs that a sentence names."""


def warnings_of(
    panel: Panel, estimate: MergeEstimate, counts: Int[Tensor, "D D"], memory: Persistence | None, rows: int
) -> list[Warned]:
    """All warnings, the gravest first.

    Args:
        panel: the patients.
        estimate: the merged estimate.
        counts: patients who have both of two entries.
        memory: correlations of errors of prediction.
        rows: the number of synthetic patients.
    """
    return [
        *_never_together(panel, estimate, counts),
        *_not_converged(estimate),
        *_hardly_measured(panel, counts),
        *_hardly_together(panel),
        *too_few(panel, estimate, counts),
        *_before(panel, estimate.scales, estimate.chosen.latent is not None),
        *_outside(panel, estimate),
        *unordered(panel, estimate.scales),
        *misfits(panel, estimate),
        *_not_markov(panel, memory),
        *_empty(panel),
        *panel.warned,
        *_few_rows(panel, rows),
    ]


def _scale(estimate: MergeEstimate) -> str:
    plain = all(isinstance(margin, Identity) for margin in estimate.scales.of_entries(1))
    return "" if plain else " (on the scales on which columns are modelled)"


def _never_together(panel: Panel, estimate: MergeEstimate, counts: Int[Tensor, "D D"]) -> list[Warned]:
    """Pairs of columns, and of a column and another one visit later, that nobody has."""
    names = [*panel.columns, *panel.static]
    warned = []
    if estimate.pairs:
        pairs = [f"{names[pair.first]!r} and {names[pair.second]!r}" for pair in estimate.pairs]
        warned.append(
            Warned(
                "never together",
                f"no patient has {listed(pairs, _MOST_NAMED, 'or')} at one visit: what the table says of their relation is a "
                f"convention, and the records allow anything between the bounds in the report{_scale(estimate)}.",
            )
        )
    apart = {(pair.first, pair.second) for pair in estimate.pairs}
    later = [item for item in unmeasured(panel, counts) if item.lag == 1 and item.everywhere]
    later = [item for item in later if (min(item.first, item.second), max(item.first, item.second)) not in apart]
    if later:
        pairs = [in_words(panel, item) for item in later]
        text = f"no patient has {listed(pairs, _MOST_NAMED, 'or')}: there, independence given all else is a convention."
        warned.append(Warned("never at successive visits", text))
    return warned


def _before(panel: Panel, scales: Scales, scored: bool) -> list[Warned]:
    """What the records tell; the shape of a column is no trouble where its margin has it."""
    shaped = _shaped(panel, scales)
    noisy = _noisy(panel, scales)
    found = before_merge(Records.of(panel))
    told = shaped.keys() | noisy.keys()
    warned = [one for one in found if not (one.kind in ("skewed", "few values") and set(one.columns) <= told)]
    if noisy:
        texts = [f"{name!r} ({why})" for name, why in noisy.items()]
        text = (
            f"{listed(texts, _MOST_NAMED)} would have a scale of {'its' if len(noisy) == 1 else 'their'} own, but a measurement "
            "error was given (noise), which is normal on the column's own scale, so the column is taken for normal too: leave out "
            "its noise, or transform the column and give the noise on that scale."
        )
        warned.append(Warned("noise", text, tuple(noisy)))
    if scored and shaped:
        text = "there are too many categories for a quick fit, so they were fitted as scores: the table has these' correlations."
        warned.append(Warned("scores", text))
    if shaped:
        texts = [f"{name!r} ({why})" for name, why in shaped.items()]
        verb, whose = ("is", "its") if len(shaped) == 1 else ("are", "their")
        text = f"{listed(texts, _MOST_NAMED)} {verb} modelled on a scale of {whose} own, so "
        warned.append(
            Warned("margins", text + "that synthetic values are of the kind that was observed (--margins normal: as it is).")
        )
    return warned


def _shaped(panel: Panel, scales: Scales) -> dict[str, str]:
    """The columns whose margin is not the identity, with why."""
    pairs = [*zip(panel.columns, scales.moving, strict=True), *zip(panel.static, scales.fixed, strict=True)]
    return {name: margin.why for name, margin in pairs if not isinstance(margin, Identity)}


def _noisy(panel: Panel, scales: Scales) -> dict[str, str]:
    """The columns that are taken for normal because of their measurement error alone, with the margin's reason."""
    pairs = [*zip(panel.columns, scales.moving, strict=True), *zip(panel.static, scales.fixed, strict=True)]
    return {name: margin.otherwise for name, margin in pairs if isinstance(margin, Identity) and margin.otherwise}


def _outside(panel: Panel, estimate: MergeEstimate) -> list[Warned]:
    """Columns of which synthetic values lie where nothing was or can be observed."""
    kept, p = panel.visits.reported, len(panel.columns)
    visits = int(kept.sum())
    law = estimate.scales.law(estimate.law, visits)
    shaped = _shaped(panel, estimate.scales)
    records = Records.of(panel._replace(values=[values[:, kept] for values in panel.values]))

    def by_visit(entries: Tensor) -> np.ndarray:
        moving, fixed = entries[: visits * p].view(visits, p).numpy(), entries[visits * p :].numpy()
        return np.concatenate([moving, np.tile(fixed, (visits, 1))], axis=1)

    found = range_warnings(records, by_visit(law.mean), by_visit(law.covariance.diagonal().sqrt()))
    return [one for one in found if not set(one.columns) <= shaped.keys()]


def _hardly_measured(panel: Panel, counts: Int[Tensor, "D D"]) -> list[Warned]:
    """Columns that next to nobody has, at all or at some reported visits."""
    visits, p = panel.visits.number, len(panel.columns)
    number = counts.diagonal()[: visits * p].view(visits, p)[torch.from_numpy(panel.visits.reported)]
    total = patients_with(panel).sum(0)
    warned = []
    for i, name in enumerate([*panel.columns, *panel.static]):
        if int(total[i]) < _HARDLY:
            text = f"{name!r} was measured of only {counted(int(total[i]), 'patient')}: trust nothing that the table says of it."
            warned.append(Warned("hardly measured", text, (name,)))
        elif i < p and bool((number[:, i] < _FEWEST).any()):
            few = [str(place + 1) for place in (number[:, i] < _FEWEST).nonzero().flatten().tolist()]
            text = (
                f"{name!r} was measured of next to no patient at visit {listed(few, _MOST_NAMED)}: there it is the model's alone."
            )
            warned.append(Warned("hardly measured", text, (name,)))
    return warned


def _hardly_together(panel: Panel) -> list[Warned]:
    """Pairs of columns that some patients have both of, but next to nobody."""
    names, both = [*panel.columns, *panel.static], patients_with_both(panel)
    alone = both.diagonal()
    most = 0.5 * torch.minimum(alone, alone.unsqueeze(-1))
    few = ((both > 0) & (both < _TOGETHER) & (both < most)).triu(1).nonzero().tolist()
    if not few:
        return []
    few.sort(key=lambda pair: int(both[pair[0], pair[1]]))
    texts = [f"{names[i]!r} and {names[j]!r} ({counted(int(both[i, j]), 'patient')})" for i, j in few]
    text = (
        f"next to nobody has both of {listed(texts, _MOST_NAMED, 'or of')}: what the table says of their relation is hardly "
        "more than a convention, and has no bounds beside it."
    )
    return [Warned("hardly together", text, tuple(dict.fromkeys(names[place] for pair in few for place in pair)))]


def _not_converged(estimate: MergeEstimate) -> list[Warned]:
    fit = estimate.chosen.fit
    if fit.converged:
        return []
    return [Warned("not converged", f"the fit was stopped after {counted(len(fit.path), 'iteration')} before it had converged.")]


def _not_markov(panel: Panel, memory: Persistence | None) -> list[Warned]:
    """Warn where prediction errors are correlated, by Bonferroni's rule at 0.1 %."""
    if memory is None:
        return []
    limit = float(-ndtri(0.0005 / len(panel.columns)))
    strong = (memory.z.abs() > limit) & (memory.correlation.abs() > _PERSISTENT)
    if not bool(strong.any()):
        return []
    names = [f"{panel.columns[i]!r} ({memory.correlation[i]:+.2f})" for i in strong.nonzero().flatten().tolist()]
    return [
        Warned(
            "not Markov",
            f"what the model fails to predict of {', '.join(names)} is correlated two and more visits apart: patients have a "
            "longer memory than it has. Covariances of successive visits are estimated as best this model can; those over longer "
            "times are not to be relied on.",
        )
    ]


def _empty(panel: Panel) -> list[Warned]:
    if not panel.dropped:
        return []
    text = f"{counted(panel.dropped, 'patient')} without any measurement {'was' if panel.dropped == 1 else 'were'} left out."
    return [Warned("empty patients", text)]


def _few_rows(panel: Panel, rows: int) -> list[Warned]:
    visits = int(panel.visits.reported.sum())
    needed = patients_needed(len(panel.columns), visits, len(panel.static)).pairs
    if rows >= needed:
        return []
    columns = len(panel.columns) + len(panel.static)
    return [
        Warned(
            "few rows",
            f"{counted(rows, 'synthetic patient')} cannot carry the covariances of {counted(columns, 'column')} at successive "
            f"visits: {needed} would (--rows {needed}).",
        )
    ]
