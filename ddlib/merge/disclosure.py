r"""How near synthetic patients come to the real ones, beside how near they come to patients whom the fit has not seen.

The distance of a synthetic patient s to a real one of whom the entries o were measured is in standard units, per measured entry:

.. math:: d(s, i)^2 = \frac{1}{|o|} \sum_{j \in o} \frac{(s_j - y_{ij})^2}{\Sigma_{jj}} .

Half of each hospital's patients are held out, and the model is fitted to the others. If synthetic patients disclosed whose records
were fitted, they would come nearer to these. A membership test guesses that the nearer of two patients was fitted: the share of
right guesses, the area under its curve, is 1/2 if it cannot tell, up to a standard error of
:math:`\sqrt{(n + m + 1) / 12 n m}` (Mann and Whitney 1947).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from scipy.stats import rankdata
from torch import Tensor

from ddlib.merge.completion import entry_noise, reported_values
from ddlib.merge.errors import TableError
from ddlib.merge.estimate import MergeEstimate, estimate
from ddlib.merge.given import seeded
from ddlib.merge.latent import latent_rows
from ddlib.merge.model.fit import PRIOR
from ddlib.merge.panel import Panel
from ddlib.merge.rows import synthetic_patients
from ddlib.merge.scales import Margins, scales_of
from ddlib.merge.streams import Streams
from ddlib.merge.threads import few_threads
from ddlib.merge.together import counts

__all__ = ["Disclosure", "distances", "membership", "nearest_patients"]

_FEWEST = 10
"""Patients of a hospital below which there is nothing to hold out."""
_CHUNK = 20_000_000
"""Distances, times entries, that are computed at once."""


class Disclosure(NamedTuple):
    """Distances to the nearest, in standard units per measured entry, and the membership test.

    Attributes:
        fitted, held_out: median distance from a patient who was fitted, or held out, to the nearest synthetic one.
        to_fitted, to_held_out: median distance from a synthetic patient to the nearest one who was fitted, or held out.
        auc: share of right guesses of the membership test.
        error: its standard error where the test cannot tell.
        text: the same in words.

    >>> Disclosure._fields[4:]
    ('auc', 'error', 'text')
    """

    fitted: float
    held_out: float
    to_fitted: float
    to_held_out: float
    auc: float
    error: float
    text: str


def nearest_patients(
    panel: Panel,
    rows: int = 100,
    seed: int = 0,
    prior: float = PRIOR,
    tolerance: float = 1e-2,
    iterations: int = 2000,
    margins: Margins = "auto",
) -> Disclosure:
    """Hold out half of the patients, fit to the others, and compare distances.

    Args:
        panel: the patients.
        rows: the number of synthetic patients.
        seed: of the halves and the synthetic patients.
        prior, tolerance, iterations, margins: of the fit.

    Raises:
        TableError: if a hospital has fewer than ten patients.

    >>> import pandas as pd
    >>> from ddlib.merge import merge
    >>> draw = torch.Generator().manual_seed(0)
    >>> hb, crea = torch.randn(2, 40, generator=draw, dtype=torch.float64).numpy()
    >>> table = pd.DataFrame({"id": range(40), "time": 0, "hb": hb, "crea": crea})
    >>> merged = merge([table, table + 0.01], "id", "time", join="never")
    >>> 0.2 < nearest_patients(merged.panel, rows=20).auc < 0.8
    True
    """
    small = [name for name, patients in zip(panel.sources, panel.patients, strict=True) if len(patients) < _FEWEST]
    if small:
        raise TableError(f"{small[0]} has fewer than {_FEWEST} patients, too few to hold half of them out")
    generator = seeded(seed)
    order = [torch.randperm(len(patients), generator=generator) for patients in panel.patients]
    inside = panel.take([places[: (len(places) + 1) // 2] for places in order])
    outside = panel.take([places[(len(places) + 1) // 2 :] for places in order])
    visits = int(panel.visits.reported.sum())
    with few_threads():
        found = estimate(inside, scales_of(panel, margins), counts(inside), prior, tolerance, iterations, lambda text, share: None)
        synthetic = synthetic_patients(found.law, rows, visits, len(panel.static), generator)
        spread = found.law.covariance.diagonal().sqrt()
        between = [distances(_latent(part, found), synthetic, spread) for part in (inside, outside)]
    near = [apart.min(1).values for apart in between]
    auc, error = membership(*near)
    fitted, held_out = (float(part.median()) for part in near)
    to_fitted, to_held_out = (float(apart.min(0).values.median()) for apart in between)
    text = (
        f"Of {sum(map(len, order))} patients half were held out: the nearest of {rows} synthetic patients is at {fitted:.2f} "
        f"standard units from patients who were fitted and at {held_out:.2f} from those held out (medians); a membership test is "
        f"right in {auc:.0%} of pairs, where {0.5 - 2 * error:.0%} to {0.5 + 2 * error:.0%} is chance."
    )
    return Disclosure(fitted, held_out, to_fitted, to_held_out, auc, error, text)


def _latent(panel: Panel, found: MergeEstimate) -> Float[Tensor, "n E"]:
    rows = torch.cat([reported_values(panel, k) for k in range(len(panel.sources))])
    rows = rows[~rows.isnan().all(-1)]  # of cells beyond a limit it is not known how near they are
    noise, visits = entry_noise(panel, 0), int(panel.visits.reported.sum())
    return latent_rows(found.scales, rows, found.law, noise, visits, Streams.of(range(len(rows)), 0))


def distances(real: Float[Tensor, "n E"], synthetic: Float[Tensor, "s E"], spread: Float[Tensor, " E"]) -> Float[Tensor, "n s"]:
    """The root mean square of the differences, in standard units, over what was measured of a patient.

    Args:
        real: patients, not-a-number where nothing was measured.
        synthetic: complete patients.
        spread: the standard deviation of each entry.

    >>> distances(torch.tensor([[1.0, torch.nan]]), torch.tensor([[3.0, 5.0]]), torch.tensor([2.0, 1.0]))
    tensor([[1.]])
    """
    found = []
    for part in real.split(max(1, _CHUNK // (synthetic.numel() or 1))):
        off = (part.unsqueeze(1) - synthetic) / spread
        found.append(off.square().nanmean(-1).sqrt())
    return torch.cat(found)


def membership(inside: Float[Tensor, " n"], outside: Float[Tensor, " m"]) -> tuple[float, float]:
    """The share of right guesses of the membership test, and its standard error where there is nothing to tell.

    Args:
        inside: distances to the nearest synthetic patient of patients who were fitted.
        outside: of patients who were not.

    >>> membership(torch.tensor([1.0, 2.0]), torch.tensor([1.5, 3.0]))[0]
    0.75
    """
    n, m = len(inside), len(outside)
    ranks = rankdata(torch.cat([outside, inside]).numpy())
    return (float(ranks[:m].sum()) - m * (m + 1) / 2) / (n * m), ((n + m + 1) / (12 * n * m)) ** 0.5
