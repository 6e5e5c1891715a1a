"""Real records as hospitals' data: groups of sites that do not order some panels, patients with gaps, and patient-level splits.

Every hospital's patients are grouped by which entries of their trajectories were measured. Within a group the observed-data
likelihood needs a size, a mean and a covariance only, so that each (hospital, pattern) is one source in
:class:`ddlib.dbn.sources.Statistics` and no patient and no measurement has to be left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ddlib.dbn.sources import Sources, Statistics


class Records(NamedTuple):
    """Patients of several hospitals, one batch of R samples of them.

    Attributes:
        values: trajectories; not-a-number where nothing was measured.
        hospital: the number of each patient's hospital.
        noise: standard deviation of the measurement noise, the same for all entries.
    """

    values: Float[Tensor, "R n T p"]
    hospital: Int[Tensor, "R n"]
    noise: float = 0.0


class Patterns(NamedTuple):
    """Records as sufficient statistics, one source per hospital and pattern of measured entries.

    Attributes:
        statistics: of every source; a source that some replicate has no patient of has the size zero there.
        hospital: which hospital each source belongs to.
    """

    statistics: Statistics
    hospital: Int[Tensor, " K"]


class Split(NamedTuple):
    """Training and test patients, R times.

    Attributes:
        complete: the training patients' own records, natural gaps included: nothing hidden, no noise added.
        measured: the same patients as their hospitals see them.
        test: held-out patients' own records.
    """

    complete: Records
    measured: Records
    test: Records


def group_sites(sites: Sequence[str], number: int) -> Int[Tensor, " n"]:
    """Hospitals of similar size made of whole sites: sites by falling size, each to the hospital with the fewest patients.

    Args:
        sites: the site of each patient.
        number: how many hospitals.

    Raises:
        ValueError: if there are fewer sites than hospitals, or fewer than two hospitals.

    >>> group_sites(["a", "a", "b", "c"], 2).tolist()
    [0, 0, 1, 1]
    """
    names = sorted(set(sites))
    if not 2 <= number <= len(names):
        raise ValueError(f"{len(names)} sites can make 2 to {len(names)} hospitals, but {number} were asked for")
    size = {name: list(sites).count(name) for name in names}
    total, home = [0] * number, {}
    for name in sorted(names, key=lambda name: (-size[name], name)):
        home[name] = min(range(number), key=lambda hospital: (total[hospital], hospital))
        total[home[name]] += size[name]
    return torch.tensor([home[site] for site in sites])


def hide_panels(panels: Mapping[str, Sequence[str]], variables: Sequence[str], hidden: Sequence[str]) -> Bool[Tensor, "H p"]:
    """Which variables each hospital measures: hospital h lacks those of the h-th named panel.

    Args:
        panels: the variables of each panel.
        variables: the order of the columns.
        hidden: the name of the panel that each hospital lacks.

    Raises:
        ValueError: if a name is not that of a panel, a panel has an unknown variable, or all hospitals lack a variable.

    >>> hide_panels({"a": ["x"], "b": ["z"]}, ["x", "y", "z"], ["a", "b"]).int().tolist()
    [[0, 1, 1], [1, 1, 0]]
    """
    for name in hidden:
        if name not in panels:
            raise ValueError(f"there is no panel {name!r}: the panels are {', '.join(panels)}")
        for variable in panels[name]:
            if variable not in variables:
                raise ValueError(f"the panel {name!r} has {variable!r}, which is not among the variables {', '.join(variables)}")
    measured = torch.tensor([[variable not in panels[name] for variable in variables] for name in hidden])
    nowhere = [variable for variable, seen in zip(variables, measured.any(0).tolist(), strict=True) if not seen]
    if nowhere:
        raise ValueError(f"no hospital would measure {', '.join(nowhere)}: hide panels so that each is measured somewhere")
    return measured


def split(
    values: Float[Tensor, "n T p"],
    hospital: Int[Tensor, " n"],
    measured: Bool[Tensor, "H p"],
    replicates: int,
    generator: torch.Generator,
    noise: float = 0.0,
    test_share: float = 0.2,
) -> Split:
    """Random patient-level splits: whole patients are held out, and the others are seen through their hospitals.

    In each split every variable is expressed in the mean and standard deviation of what the hospitals measured of it, over all
    training patients and visits, before noise is added.

    Args:
        values: the records, not-a-number where nothing was measured.
        hospital: the hospital of each patient.
        measured: which variables each hospital measures.
        replicates: the number of splits R.
        generator: the source of randomness, on the device of the records.
        noise: standard deviation of the noise that is added to the training patients' measurements, in the standardised unit.
        test_share: the share of the patients that is held out.

    Raises:
        ValueError: if the noise is negative, a share leaves no patient on one side, or some split measures a variable at some visit
            fewer than twice.
    """
    patients = len(values)
    held = round(test_share * patients)
    if noise < 0:
        raise ValueError(f"the standard deviation of the noise must not be negative, but it is {noise}")
    if not 1 <= held <= patients - 2:
        raise ValueError(f"a test share of {test_share} of {patients} patients holds out {held}: hold out 1 to {patients - 2}")
    keys = torch.rand((replicates, patients), dtype=values.dtype, device=generator.device, generator=generator).to(values)
    order = keys.argsort(-1)
    train, test = order[:, held:], order[:, :held]
    seen = torch.where(measured[hospital].unsqueeze(1), values, torch.nan)[train]
    if int(seen.isfinite().sum(1).min()) < 2:
        raise ValueError(
            "in some split a variable is measured fewer than twice at some visit: use fewer visits or larger hospitals"
        )
    finite = seen.isfinite()
    count = finite.sum((1, 2), keepdim=True)
    mean = torch.where(finite, seen, 0.0).sum((1, 2), keepdim=True) / count
    scale = (torch.where(finite, seen - mean, 0.0) ** 2).sum((1, 2), keepdim=True).div(count).sqrt()
    if not bool((scale > 0).all()):
        raise ValueError("some variable is constant in what the hospitals measured: leave it out")
    error = torch.randn(seen.shape, dtype=seen.dtype, device=generator.device, generator=generator).to(seen)
    complete, held_out = (values[train] - mean) / scale, (values[test] - mean) / scale
    noisy = (seen - mean) / scale + noise * error
    return Split(Records(complete, hospital[train]), Records(noisy, hospital[train], noise), Records(held_out, hospital[test]))


def patterns(records: Records) -> Patterns:
    """Sufficient statistics of records: one source for each pattern of measured entries in each hospital.

    Patients of whom nothing was measured belong to no source.

    Raises:
        ValueError: if nothing at all was measured.
    """
    seen = records.values.isfinite().flatten(-2)
    filled = torch.where(seen, records.values.flatten(-2), 0.0)
    key = torch.cat([records.hospital.unsqueeze(-1), seen.to(records.hospital.dtype)], dim=-1)
    kinds, member = key.flatten(0, 1).unique(dim=0, return_inverse=True)
    useful = kinds[:, 1:].any(-1)
    if not bool(useful.any()):
        raise ValueError("the records hold no measurement")
    belongs = torch.nn.functional.one_hot(member.view(seen.shape[:2]), len(kinds)).to(filled.dtype)[..., useful].mT
    size = belongs.sum(-1)
    mean = belongs @ filled / size.clamp(min=1).unsqueeze(-1)
    centred = filled - (belongs.mT @ mean)
    products = [(centred * part.unsqueeze(-1)).mT @ centred for part in belongs.unbind(1)]
    covariance = torch.stack(products, 1) / size.clamp(min=1)[..., None, None]
    observed = kinds[useful, 1:].to(filled.dtype).expand(len(seen), -1, -1)
    statistics = Statistics(size, mean, covariance, observed, torch.full_like(observed, records.noise**2))
    return Patterns(statistics, kinds[useful, 0])


def some_sources(found: Patterns, keep: Bool[Tensor, " K"]) -> Statistics:
    """The statistics of some sources."""
    return Statistics(*(part[:, keep] for part in found.statistics))


def complete_patients(records: Records, number: int) -> Float[Tensor, "R m T p"]:
    """The first patients of each replicate without a gap (the splits' order is random): the baseline :math:`D^{sub}`.

    Raises:
        ValueError: if some replicate has too few of them.
    """
    whole = records.values.isfinite().flatten(2).all(-1)
    fewest = int(whole.sum(-1).min())
    if number > fewest:
        raise ValueError(
            f"{number} complete patients were asked for, but a split has only {fewest}: use fewer visits or a smaller budget"
        )
    index = whole.to(torch.int8).argsort(dim=-1, descending=True, stable=True)[:, :number]
    return records.values.gather(1, index[..., None, None].expand(-1, -1, *records.values.shape[2:]))


def as_sources(records: Records, measured: Bool[Tensor, "H p"]) -> Sources:
    """The records hospital by hospital, for estimators that read rows: not-a-number at gaps and after a hospital's last patient.

    Args:
        records: what the hospitals hold.
        measured: which variables each hospital measures.
    """
    replicates, _, slices, variables = records.values.shape
    belongs = torch.nn.functional.one_hot(records.hospital, len(measured)).mT
    most = int(belongs.sum(-1).max())
    index = belongs.argsort(dim=-1, descending=True, stable=True)[..., :most]
    there = belongs.gather(-1, index) > 0
    rows = records.values.unsqueeze(1).expand(-1, len(measured), -1, -1, -1)
    values = rows.gather(2, index[..., None, None].expand(-1, -1, -1, slices, variables))
    values = torch.where(there[..., None, None], values, torch.nan)
    observed = measured.view(1, -1, 1, variables).expand(replicates, -1, slices, -1)
    return Sources(values, observed, torch.full(observed.shape, records.noise, dtype=values.dtype, device=values.device))


def hold_out(records: Records, share: float) -> tuple[Records, Records]:
    """Records without some of their patients, and these; the order of the patients in a split is random.

    Raises:
        ValueError: if nobody is held out, or nobody is left.
    """
    patients = records.values.shape[1]
    held = round(share * patients)
    if not 0 < held < patients:
        raise ValueError(f"a share of {share} of {patients} patients holds out {held}: at least 1 has to be held out and 1 to stay")
    values, hospital = records.values, records.hospital
    return (
        records._replace(values=values[:, held:], hospital=hospital[:, held:]),
        records._replace(values=values[:, :held], hospital=hospital[:, :held]),
    )
