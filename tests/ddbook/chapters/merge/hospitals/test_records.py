"""Real records as sources: against one source per patient, row-by-row densities and exact small cases."""

import math

import hypothesis.strategies as st
import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given, settings

from ddbook.chapters.merge.hospitals.records import (
    Records,
    as_sources,
    complete_patients,
    group_sites,
    hide_panels,
    patterns,
    split,
)
from ddbook.chapters.merge.hospitals.task import RecordsTask
from ddlib.dbn.likelihood.observed import em, observed_log_likelihood
from ddlib.dbn.model.generate import random_networks, sample
from ddlib.dbn.model.network import joint
from ddlib.dbn.sources import Sources, statistics
from ddlib.methods import FirstOrder
from ddlib.problem import Task, distil
from tests.ddlib.dbn.world import difference, generator

PANELS = {"a": ("x0",), "b": ("x1",), "c": ("x2", "x3")}
NAMES = ("x0", "x1", "x2", "x3")


def gappy(seed=0, replicates=2, patients=60, slices=3, noise=0.3, gaps=0.15):
    """Records of three hospitals with values missing here and there, and the networks that they come from."""
    draw = generator(seed)
    graph, truth = random_networks(replicates, 4, draw)
    values = sample(truth, patients, slices, draw)
    values = values + noise * torch.randn(values.shape, dtype=values.dtype, generator=draw)
    hospital = torch.arange(patients).repeat(replicates, 1) % 3
    seen = hide_panels(PANELS, NAMES, list(PANELS))[hospital].unsqueeze(2)
    keep = torch.rand(values.shape, generator=draw) > gaps
    return graph, truth, Records(torch.where(seen & keep, values, torch.nan), hospital, noise)


def each_patient_a_source(records):
    values = records.values.unsqueeze(2)
    observed = records.values.isfinite()
    return statistics(Sources(values, observed, torch.full(observed.shape, records.noise, dtype=values.dtype)))


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10_000), st.floats(0, 0.9), st.sampled_from([0.0, 0.4]))
def test_grouping_by_pattern_leaves_the_likelihood_as_it_is(seed, gaps, noise):
    _, truth, records = gappy(seed, patients=12, slices=2, noise=noise, gaps=gaps)
    if not bool(records.values.isfinite().any()):
        return
    ours = observed_log_likelihood(truth, patterns(records).statistics, 2).sum(-1)
    theirs = observed_log_likelihood(truth, each_patient_a_source(records), 2).sum(-1)
    torch.testing.assert_close(ours, theirs)


def test_the_likelihood_is_the_sum_of_the_patients_densities():
    _, truth, records = gappy()
    law = joint(truth, 3)
    total = 0.0
    for row in records.values[0].flatten(1):
        seen = row.isfinite().numpy()
        covariance = law.covariance[0].numpy()[np.ix_(seen, seen)] + records.noise**2 * np.eye(seen.sum())
        total += scipy.stats.multivariate_normal(law.mean[0].numpy()[seen], covariance).logpdf(row.numpy()[seen])
    found = observed_log_likelihood(truth, patterns(records).statistics, 3).sum(-1)
    assert float(found[0]) == pytest.approx(total)


def test_em_on_patterns_equals_em_on_one_source_per_patient():
    graph, _, records = gappy(patients=30, slices=2)
    ours = em(graph, patterns(records).statistics, 2, iterations=15)
    theirs = em(graph, each_patient_a_source(records), 2, iterations=15)
    assert difference(ours.model, theirs.model) < 1e-9
    torch.testing.assert_close(ours.path, theirs.path)


def test_a_pattern_that_a_replicate_lacks_has_size_zero_and_no_patient_is_lost():
    _, _, records = gappy()
    records.values[1, :5] = torch.nan  # five patients without any measurement
    found = patterns(records)
    assert found.statistics.size.sum(-1).tolist() == [60, 55]
    assert bool((found.statistics.size == 0).any()) and sorted(set(found.hospital.tolist())) == [0, 1, 2]
    with pytest.raises(ValueError, match="hold no measurement"):
        patterns(records._replace(values=torch.full_like(records.values, torch.nan)))


def test_rows_by_hospital_hold_every_measurement_once():
    _, _, records = gappy()
    records = records._replace(hospital=torch.where(records.hospital == 2, 1, records.hospital))  # of unequal size
    measured = torch.ones(2, 4, dtype=torch.bool)
    rows = as_sources(records, measured)
    assert rows.values.shape[:3] == (2, 2, 40)
    for r in range(2):
        for k in range(2):
            mine = records.values[r][records.hospital[r] == k]
            torch.testing.assert_close(rows.values[r, k, : len(mine)], mine, equal_nan=True)
            assert bool(rows.values[r, k, len(mine) :].isnan().all())


def test_sites_stay_whole_and_hospitals_similar():
    sites = [name for name, size in {"a": 7, "b": 5, "c": 4, "d": 3, "e": 1}.items() for _ in range(size)]
    found = group_sites(sites, 2).tolist()
    assert len({(site, home) for site, home in zip(sites, found, strict=True)}) == 5
    assert [found.count(home) for home in (0, 1)] == [10, 10]
    with pytest.raises(ValueError, match="5 sites can make 2 to 5 hospitals, but 6"):
        group_sites(sites, 6)


@pytest.mark.parametrize(
    ("panels", "hidden", "message"),
    [
        (PANELS, ["a", "z"], "no panel 'z'"),
        ({"a": ("y",)}, ["a"], "'y', which is not among"),
        ({"a": ("x0",), "b": ("x0", "x1")}, ["a", "b"], "no hospital would measure x0"),
    ],
)
def test_panels_that_cannot_be_hidden_are_refused(panels, hidden, message):
    with pytest.raises(ValueError, match=message):
        hide_panels(panels, NAMES, hidden)


def table(seed=0, patients=90):
    _, truth, _ = gappy(seed, replicates=1)
    values = 3 + 2 * sample(truth, patients, 3, generator(seed))[0]
    values[::7, 2] = torch.nan
    return values, torch.arange(patients) % 3, hide_panels(PANELS, NAMES, list(PANELS))


def test_a_split_holds_out_whole_patients_and_hides_only_in_training():
    values, hospital, measured = table()
    found = split(values, hospital, measured, 3, generator(), noise=0.0)
    assert found.complete.values.shape[1] == 72 and found.test.values.shape[1] == 18
    for r in range(3):
        everyone = torch.cat([found.complete.values[r], found.test.values[r]]).nan_to_num(nan=-99.0)
        assert len({tuple(row.flatten().tolist()) for row in everyone}) == 90
    seen = measured[found.measured.hospital].unsqueeze(2).expand_as(found.measured.values)
    assert bool(found.measured.values[~seen].isnan().all())
    torch.testing.assert_close(found.measured.values[seen], found.complete.values[seen], equal_nan=True)
    torch.testing.assert_close(found.measured.values.nanmean((1, 2)), torch.zeros(3, 4).double(), atol=1e-12, rtol=0)
    torch.testing.assert_close((found.measured.values**2).nanmean((1, 2)), torch.ones(3, 4).double())


def test_noise_is_added_to_what_the_hospitals_measure_and_to_nothing_else():
    values, hospital, measured = table(patients=900)
    quiet, noisy = (split(values, hospital, measured, 2, generator(), noise=sd) for sd in (0.0, 0.5))
    torch.testing.assert_close(quiet.test.values, noisy.test.values, equal_nan=True)
    torch.testing.assert_close(quiet.complete.values, noisy.complete.values, equal_nan=True)
    error = noisy.measured.values - quiet.measured.values
    assert noisy.measured.noise == 0.5 and float(error[error.isfinite()].std()) == pytest.approx(0.5, rel=0.05)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"noise": -1.0}, "must not be negative"),
        ({"test_share": 0.0}, "holds out 0"),
        ({"test_share": 0.99}, "hold out 1 to 88"),
        ({"constant": True}, "constant"),
        ({"rare": True}, "fewer than twice"),
    ],
)
def test_bad_splits_are_refused(change, message):
    values, hospital, measured = table()
    if change.pop("constant", False):
        values[..., 1] = 5.0
    if change.pop("rare", False):
        values[2:, 1, 1] = torch.nan
    with pytest.raises(ValueError, match=message):
        split(values, hospital, measured, 2, generator(), **change)


def test_complete_patients_have_no_gap():
    values, hospital, measured = table()
    found = split(values, hospital, measured, 2, generator())
    chosen = complete_patients(found.complete, 10)
    assert chosen.shape == (2, 10, 3, 4) and bool(chosen.isfinite().all())
    with pytest.raises(ValueError, match="80 complete patients were asked for, but a split has only"):
        complete_patients(found.complete, 80)


def records_task(objective="all", noise=0.3):
    graph, truth, records = gappy(noise=noise)
    test = gappy(1, noise=0.0)[2]
    return RecordsTask(graph, records, test, truth, objective)


def test_the_task_is_a_task_and_its_risks_are_likelihoods_per_patient():
    task = records_task()
    assert isinstance(task, Task)
    model = task.reference
    expected = -observed_log_likelihood(model, each_patient_a_source(task.measured), 3).sum(-1) / 60
    torch.testing.assert_close(task.risk(model), expected)
    assert not torch.allclose(task.risk(model, "test"), expected)
    with pytest.raises(ValueError, match="'train' or 'test'"):
        task.risk(model, "validation")
    with pytest.raises(ValueError, match="objective must be"):
        records_task("some")


def test_the_blocks_of_leave_one_out_leave_one_hospital_out():
    task = records_task("leave_one_out")
    start = task.start(8, generator())
    assert bool(start.x.isfinite().all()) and start.x.shape == (2, 8, 3, 4)
    blocks = task.blocks(start)
    assert torch.cat([block.rows for block in blocks]).tolist() == list(range(8)) and len(blocks) == 3
    model, records = task.reference, task.measured
    for k, block in enumerate(blocks):
        others = [records.values[r][records.hospital[r] != k] for r in range(2)]
        part = Records(torch.stack(others), torch.zeros(2, 40, dtype=torch.long), records.noise)
        expected = -observed_log_likelihood(model, each_patient_a_source(part), 3).sum(-1) / 40
        torch.testing.assert_close(block.risk(model), expected)


def test_the_start_is_measured_rows_with_only_gaps_filled():
    task = records_task()
    start = task.start(9, generator())
    for r in range(2):
        for k, row in zip(task.hospital_of(9).tolist(), start.x[r], strict=True):
            mine = task.measured.values[r][task.measured.hospital[r] == k]
            matches = ((mine == row) | mine.isnan()).flatten(1).all(1)
            assert int(matches.sum()) >= 1
    with pytest.raises(ValueError, match="but one has fewer"):
        task.start(70, generator())
    with pytest.raises(ValueError, match="too few for a graph"):
        task.fit(task.start(2, generator()))


def test_first_order_distillation_reaches_the_likelihoods_maximum():
    graph, truth, records = gappy(patients=200, slices=2, gaps=0.02)
    task = RecordsTask(graph, records, records, truth)
    found, _ = distil(FirstOrder(0.1, horizon=200), task, 12, 200, generator())
    best = task.risk(em(graph, task.statistics, 2, tolerance=1e-8).model)
    gap = task.risk(task.fit(found)) - best
    assert bool((gap > -1e-6).all()) and bool((gap < 0.01).all())
    assert math.isfinite(float(task.train.w.sum()))


def test_a_task_holds_out_a_share_of_its_training_patients():
    graph, truth, records = gappy()
    task = RecordsTask(graph, records, records, truth, prior=3.0)
    (fold,) = task.held_out(0.25)
    assert fold.task.measured.values.shape[1] == 45 and fold.task.prior == 3.0
    plain, likelihood = (RecordsTask(graph, data, records, truth).risk(truth) for data in (records, fold.task.measured))
    torch.testing.assert_close(45 * likelihood + 15 * fold.task.risk(truth, fold.split), 60 * plain)
    for share in (0.001, 0.999):
        with pytest.raises(ValueError, match="at least 1 has to be held out"):
            task.held_out(share)
