"""The released setting: data with and without the defect, Algorithm 1 as released, learners, tables and figures."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.covariance import ledoit_wolf

from ddbook.chapters.merge.published import figures, report, study
from ddbook.chapters.merge.published.data import ReleasedSetting, from_files
from ddbook.chapters.merge.published.experiment import as_released, joint_gaussian, slopes, yardsticks
from ddbook.chapters.merge.published.learners import LEARNERS, alive, moderated, released, saturated, true_graph
from ddbook.chapters.merge.published.released_score import incomplete, released_log_likelihood
from ddbook.chapters.merge.published.runs import RUNS
from ddbook.chapters.merge.published.task import PublishedMerge
from ddlib.datasets import MergeRelease, merge_release
from ddlib.dbn.model.moments import log_likelihood, mle
from ddlib.dbn.model.network import entropy, joint, spectral_radius
from ddlib.problem import Distilled, Task, distil
from tests.ddlib.datasets.released import with_release
from tests.ddlib.dbn.world import generator

matplotlib.use("Agg")

SMALL = {"variables": 6, "sources": 3, "rows": 60, "test_rows": 50, "hidden": 0.2}


@pytest.fixture(scope="module")
def drawn():
    return ReleasedSetting(replicates=2, **SMALL).draw()


def release(slices):
    """Files of the authors' form with invented rows."""
    data = ReleasedSetting(replicates=1, slices=slices, rows=200, test_rows=50).draw()
    own = {2: ("dd_data5.csv", 100), 10: ("dd_10.csv", 50)}[slices]
    return MergeRelease(
        train=data.clean.x[0],
        test=data.task.test[0],
        partitions=data.task.sources.values[0],
        intra=data.declared.intra[0],
        inter=data.declared.inter[0],
        distilled={own[0]: data.clean.x[0, : own[1], :2] + 0.1, "dd_data.csv": data.clean.x[0, :10, :2]},
    )


@pytest.fixture(scope="module")
def tables():
    """A tiny run of everything that the chapter runs."""
    releases = {slices: release(slices) for slices in (2, 10)}
    plan = study.Plan(2, [10], [10], [10], 2, 0, "cpu")

    def keep(function, *given, **more):
        return function(*given, **more)

    on_files, sets = study.from_release(keep, releases, plan)
    rebuilt, _ = study.rebuilt(keep, plan)
    assert [(name, found.budget) for name, found in sets] == [("two_slices", 10), ("ten_slices", 10)]
    return study.Tables.joined([on_files, rebuilt])


def test_released_columns_are_white_noise_after_the_first_slice_and_noise_is_one_number_per_row():
    setting = ReleasedSetting(replicates=2, noise=0.5)
    drawn = setting.draw()
    later = drawn.clean.x[:, :, 1]
    off = torch.stack([torch.corrcoef(rows.T) for rows in later]) - torch.eye(20, dtype=torch.float64)
    assert off[:2].abs().max() < 0.15 and (off[2:].abs().amax((-2, -1)) > 0.4).all()
    assert (later[:2].std(1) - 0.5).abs().max() < 0.06
    error = drawn.task.sources.values - drawn.clean.x.unflatten(1, (5, 200))
    spread = error.masked_fill(error.isnan(), 0).sum(-1) / (~error.isnan()).sum(-1)
    within = (error - spread.unsqueeze(-1)).nan_to_num()
    assert within[:2].abs().max() < 1e-12 and within[2:].std() > 0.4
    assert spread[:2].std().item() == pytest.approx(0.5, rel=0.05)


def test_both_generators_share_networks_that_stay_finite():
    drawn = ReleasedSetting(replicates=3, slices=10).draw()
    assert (spectral_radius(drawn.declared)[3:] <= 0.9 + 1e-9).all()
    assert torch.equal(drawn.graph.inter[:3], drawn.graph.inter[3:])
    assert not drawn.task.truth.inter[:3].any() and drawn.task.truth.inter[3:].count_nonzero(dim=(1, 2)).tolist() == [20] * 3
    torch.testing.assert_close(entropy(drawn.task.truth, 10)[:3], entropy(drawn.task.truth, 10)[3:])
    hidden = (~drawn.task.sources.observed).sum(-1)
    assert (hidden == 2).all() and not torch.equal(drawn.task.sources.observed[..., 0, :], drawn.task.sources.observed[..., 1, :])
    weights = drawn.declared.inter[:3][drawn.graph.inter[:3]]
    assert weights.min() >= 0.4 and weights.max() <= 1.1


def test_the_defect_is_visible_in_the_estimates():
    found = slopes(ReleasedSetting(replicates=2).draw()).groupby(["data", "part"]).slope.mean()
    for part in ("between visits", "within later visits"):
        assert abs(found["released", part]) < 0.05
        assert found["described", part] == pytest.approx(1, abs=0.05)
    assert found["released", "within the first visit"] == pytest.approx(1, abs=0.05)


def test_each_replicate_reads_the_files_from_another_row_on():
    files = release(2)
    data = from_files(files, 3)
    assert torch.equal(data.clean.x[0], files.train) and torch.equal(data.clean.x[2, :100], files.train[200:300])
    first = data.task.first_rows(10)
    torch.testing.assert_close(first[0], files.partitions[:, :2, :2], equal_nan=True)
    torch.testing.assert_close(first[1], files.partitions[:, 20:22, :2], equal_nan=True)
    assert (data.columns["data"] == "files").all() and data.columns["seed"].tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="1 to 10 seeds"):
        from_files(files, 11)


@with_release
def test_the_true_network_of_the_files_is_the_one_that_the_rows_follow():
    """Its likelihood is that of the rows' own regression on the declared graph, but for the latter's optimism."""
    files = merge_release(2)
    data = from_files(files)
    best = mle(alive(data.task.truth), files.train[None])
    ours, fitted = (log_likelihood(model, files.train[None]).sum().item() for model in (data.task.truth, best))
    assert 0 < fitted - ours < 100


def test_it_is_a_task_with_summed_risks_and_a_block_per_source(drawn):
    task = drawn.task
    assert isinstance(task, Task) and task.train.x.shape == (4, 180, 2, 6)
    start = task.start(9, generator())
    assert start.x.isfinite().all() and start.x.shape == (4, 9, 2, 6)
    given = task.first_rows(9).flatten(1, 2)
    assert torch.equal(start.x[~given.isnan()], given[~given.isnan()])
    model = task.fit(start)
    each = released_log_likelihood(model, incomplete(task.sources))
    torch.testing.assert_close(task.risk(model), -each.sum(-1))
    blocks = task.blocks(start)
    assert [block.rows.tolist() for block in blocks] == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    for j, block in enumerate(blocks):
        torch.testing.assert_close(block.risk(model), -each.sum(-1) + each[:, j])
    torch.testing.assert_close(task.risk(model, "test"), -log_likelihood(model, task.test).sum(-1))


def test_perturbed_sets_are_learned_in_one_batch_as_one_by_one(drawn):
    task = drawn.task
    starts = [task.start(9, generator(k)) for k in range(3)]
    many = task.fit(Distilled(*(torch.stack(parts) for parts in zip(*starts, strict=True))))
    for k, start in enumerate(starts):
        for ours, theirs in zip(many, task.fit(start), strict=True):
            torch.testing.assert_close(ours[k], theirs, rtol=1e-9, atol=1e-9)


def test_algorithm_1_lowers_its_own_risk_and_a_set_keeps_two_slices():
    task = ReleasedSetting(replicates=1, slices=3, **SMALL).draw().task
    method = RUNS[10, 10].method
    chosen, _ = distil(method, task, 9, 40, generator(1))
    assert chosen.x.shape == (2, 9, 2, 6)
    assert (task.risk(task.fit(chosen)) < task.risk(task.fit(task.start(9, generator(1))))).all()


def test_ems_joint_gaussian_converges(drawn):
    estimate = joint_gaussian(drawn.task.sources)
    assert estimate.converged.all() and (estimate.path.diff(dim=0) > -1e-9).all()


def test_mended_variances_lie_between_their_own_and_the_mean_and_all_else_stays(drawn):
    rows, graph = drawn.clean.x[:, :12, :2], drawn.graph
    plain, mended = released(rows, graph), moderated(rows, graph)
    for name in ("first_variance", "variance"):
        own, new = getattr(plain, name), getattr(mended, name)
        mean = own.mean(-1, keepdim=True).expand_as(own)
        assert ((torch.minimum(own, mean) <= new) & (new <= torch.maximum(own, mean))).all() and (new != own).any()
    assert all(
        torch.equal(getattr(plain, name), getattr(mended, name)) for name in ("intra", "inter", "first_weights", "intercept")
    )
    for pseudo, wanted in ((0.0, plain.variance), (1e12, plain.variance.mean(-1, keepdim=True).expand_as(plain.variance))):
        torch.testing.assert_close(moderated(rows, graph, pseudo).variance, wanted)


def test_the_learner_with_all_edges_has_the_shrunk_law_and_the_true_graph_is_least_squares(drawn):
    rows = drawn.clean.x[:, :100, :2]
    graph = alive(drawn.task.truth)
    assert sorted(LEARNERS) == ["graph", "greedy", "released", "saturated"]
    for ours, theirs in zip(true_graph(rows, graph), mle(graph, rows), strict=True):
        torch.testing.assert_close(ours, theirs)
    law = joint(saturated(rows, graph), 2)
    for each, mean, covariance in zip(rows.flatten(-2), *law, strict=True):
        torch.testing.assert_close(covariance, torch.as_tensor(ledoit_wolf(each.numpy())[0]))
        torch.testing.assert_close(mean, each.mean(0))
    learned = LEARNERS["greedy"](rows, graph)
    assert (learned.intra != 0).sum(-1).max() <= 6


def test_the_released_sets_are_judged_under_all_learners():
    files = release(2)
    found = as_released(files, {10: Distilled(files.train[None, :10, :2], torch.zeros(1, 10, 0), torch.ones(1, 10))})
    assert sorted(set(found.budget)) == [10, 100] and len(found) == 8
    clean = yardsticks(from_files(files), (10,))
    same = found[(found.budget == 10)].set_index("learner").test_ll
    theirs = clean[(clean.method == "clean_subset")].set_index("learner").test_ll
    pd.testing.assert_series_equal(same.sort_index(), theirs.sort_index())


def test_regret_is_nats_per_row_below_the_true_network(drawn):
    found = yardsticks(drawn, (10,))
    truth = found[found.method == "truth"].set_index(["data", "seed"]).test_ll
    rows = found[found.method == "clean_all"].set_index(["data", "seed"])
    np.testing.assert_allclose(rows.regret, (truth - rows.test_ll) / 50)
    assert (found[found.method == "truth"].regret == 0).all()


def test_tables_numbers_and_figures(tables):
    scores, curves, repeated, slopes = tables
    found = report.numbers(scores, repeated, slopes)
    assert all(np.isfinite(number.value) for number in found.values())
    ours = report.gain("zeroth_order", "clean_subset", 10, data="described").values(scores)
    assert found["gain_described_10"].value == pytest.approx(ours.mean()) and len(ours) == 2
    assert found["repeated_epochs_10"].value == 2 and found["long_second_gain_100"].value == -2264
    for slices in (2, 10):
        table = report.comparison(scores, slices)
        assert table.loc["true network (ceiling)", "IPC 10"] == table.loc["true network (ceiling)", "IPC 100"]
    assert report.under_learners(scores).shape == (4, 2)
    assert set(curves.step) == {0, 1, 2}
    drawn = {
        figures.draw_regret: (scores,),
        figures.draw_repeated: (repeated,),
        figures.draw_learners: (scores,),
        figures.draw_rebuilt: (scores,),
        figures.draw_slopes: (slopes,),
    }
    for draw, given in drawn.items():
        figure = draw(*given)
        figure.canvas.draw()
        assert all(axes.get_title() or axes.get_title(loc="left") for axes in figure.axes)
    marks = [line for line in figures.draw_regret(scores, 10).axes[0].lines if line.get_label() == figures.SECOND]
    assert len(marks[0].get_ydata()) == 4


def test_a_repeated_run_agrees_up_to_the_first_point_that_it_misses(tables):
    run = pd.DataFrame({"slices": 2, "budget": 10, "epoch": range(1, 5), "test_ll": [-9.0, -8.0, -7.0, -6.0]})
    run["published"] = [-9.4, np.nan, -7.3, -9.0]
    found = report.numbers(tables.scores, run, tables.slopes)
    assert (found["repeated_agrees_10"].value, found["repeated_off_10"].value, found["repeated_end_10"].value) == (3, 3, -6)


def test_without_the_files_their_rows_come_from_the_reference(tables, monkeypatch, tmp_path):
    monkeypatch.setenv("DDLIB_DATA_DIR", str(tmp_path))
    monkeypatch.setattr("ddlib.datasets.release.cache_folder", lambda cache: tmp_path)
    releases, notice = study.read(download=False)
    assert releases == {} and "reference run recorded" in notice
    again = study.from_reference(lambda name: getattr(tables, name))
    assert set(again.scores.data) == {"files"} and len(again.repeated) == len(tables.repeated)
    rebuilt = study.Tables(*(table[table.data != "files"] if "data" in table else table.iloc[:0] for table in tables))
    joined = study.Tables.joined([again, rebuilt])
    assert (
        report.numbers(*(joined.scores, joined.repeated, joined.slopes)).keys()
        == report.numbers(tables.scores, tables.repeated, tables.slopes).keys()
    )


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: ReleasedSetting(rows=1), "rows must be at least 5"),
        (lambda: ReleasedSetting(replicates=1, **SMALL).draw().task.risk(None, "validation"), "'train' and 'test'"),
        (lambda: ReleasedSetting(replicates=1, **SMALL).draw().task.first_rows(10), "multiple of the 3 sources"),
        (lambda: ReleasedSetting(replicates=1, **SMALL).draw().task.first_rows(183), "at most 180"),
    ],
)
def test_clear_errors(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()


def test_test_rows_have_to_fit(drawn):
    task = drawn.task
    with pytest.raises(ValueError, match="do not fit"):
        PublishedMerge(task.truth, task.sources, task.test[..., :1, :])
