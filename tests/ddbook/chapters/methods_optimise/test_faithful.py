import math

import pytest
import torch

from ddbook.chapters.methods_optimise import faithful
from ddbook.chapters.methods_optimise.experiment import AWARE, BLIND, GIVEN, OWN
from ddbook.chapters.methods_optimise.faithful import (
    CLOUDS,
    FOREIGN,
    METHODS,
    MISMATCH,
    common_cloud,
    even_weights,
    foreign_cloud,
    significant,
    weighted_kendall,
)
from ddlib.lens import kendall
from tests.ddbook.chapters.methods_optimise.world import PROBES, made, measured, small


def test_the_cloud_has_one_budget_the_ends_of_all_paths_and_their_perturbations():
    world, runs = small(), made()
    sets, origin = common_cloud(world, runs, PROBES, 1)
    assert sets.budget == world.budget
    assert len(origin) == sets.replicates
    for key, names in (("ridge", (*GIVEN, *BLIND, *AWARE)), ("logistic", (*OWN, *AWARE))):
        for name in names:
            if name == "implicit":
                continue  # whose path is that of the first-order method
            end = runs[key][name].distilled
            found = (sets.x == end.x[1]).flatten(1).all(-1) & (sets.y == end.y[1]).all(-1)
            assert name in {origin[i] for i in found.nonzero().flatten().tolist()}, name
    assert sets.replicates % 2 == 0  # one perturbation of each


def test_the_common_start_of_all_descents_stands_in_the_cloud_once():
    world, runs = small(), made()
    sets, origin = common_cloud(world, runs, PROBES, 0)
    start = runs["ridge"]["first_order"].path[0]
    found = (sets.x == start.x[0]).flatten(1).all(-1) & (sets.y == start.y[0]).all(-1)
    assert [origin[i] for i in found.nonzero().flatten().tolist()] == ["random"]


def test_the_cloud_that_no_method_made_has_rows_and_their_perturbations():
    world = small()
    sets, origin = foreign_cloud(world, PROBES, 0)
    assert sets.replicates == 2 * FOREIGN
    assert set(origin) == {""}
    rows = (sets.x[:FOREIGN].unsqueeze(-2) == world.data.x[0]).all(-1).any(-1)
    assert rows.all()


def test_all_origins_weigh_the_same():
    _, origin = common_cloud(small(), made(), PROBES, 0)
    weights = even_weights(origin)
    for name in set(origin):
        assert sum(w for w, o in zip(weights.tolist(), origin, strict=True) if o == name) == pytest.approx(1)


@pytest.mark.parametrize("seed", range(4))
def test_a_correlation_with_equal_weights_is_kendall_s(seed):
    dice = torch.Generator().manual_seed(seed)
    a, b = (torch.randint(6, (40,), generator=dice).double() for _ in range(2))
    assert weighted_kendall(a, b, torch.full((40,), 0.3).double()) == pytest.approx(kendall(a, b), abs=1e-12)


def test_whole_weights_count_as_so_many_copies():
    dice = torch.Generator().manual_seed(7)
    a, b = (torch.randn(12, generator=dice).double() for _ in range(2))
    times = torch.randint(1, 4, (12,), generator=dice)
    copies = kendall(a.repeat_interleave(times), b.repeat_interleave(times))
    assert weighted_kendall(a, b, times.double()) == pytest.approx(copies, abs=1e-12)


def test_there_is_one_row_for_each_task_method_and_seed():
    table = measured()
    rows = table[~table.task.isin(["single", MISMATCH])]
    assert len(rows) == 2 * len(METHODS) * 2
    assert not rows.duplicated(["task", "method", "seed"]).any()
    assert (table[table.task == "single"].method == "kernel_inducing").all()
    assert set(table[table.task == MISMATCH].method) == set(OWN)
    assert len(table) == len(rows) + 2 + 2 * len(OWN)


@pytest.mark.parametrize("method", OWN)
def test_a_mismatched_surrogate_is_that_of_the_regressions_and_differs_from_the_classifier_s_in_its_loss_alone(method):
    table = measured()
    rows = table[(table.method == method) & (table.seed == 0)].set_index("task")
    settings = [column for column in table.columns if "." in column]

    def differing(one, other):
        return {column for column in settings if rows.loc[[one, other], column].nunique(dropna=False) > 1}

    assert {column.split(".")[0] for column in differing("ridge", MISMATCH)} == {"judge"}
    own = (
        {"method.type", "method.threshold"}
        if method == "distribution_matching"
        else {"method.network.type", "method.network.threshold"}
    )
    assert differing("logistic", MISMATCH) == own


def test_every_row_notes_the_method_the_judge_and_the_cloud_and_two_tasks_differ_in_the_judge_alone():
    table = measured()
    assert table[["method.type", "task.type", "trial.start", "judge.type", "cloud.snapshots"]].notna().all(axis=None)
    settings = [column for column in table.columns if "." in column]
    assert list(table.columns[-len(settings) :]) == settings
    both = table[(table.method == "kernel_inducing") & (table.seed == 0)].set_index("task").loc[["ridge", "logistic"], settings]
    differing = [column for column in settings if both[column].nunique(dropna=False) > 1]
    assert differing
    assert all(column.startswith("judge.") for column in differing)


def test_correlations_lie_where_correlations_lie_and_closed_forms_have_no_path():
    table = measured()
    for column in (*CLOUDS, "cosine"):
        assert table[column].between(-1 - 1e-12, 1 + 1e-12).all()
    closed = table.method.isin(GIVEN)
    assert table[closed][["path", "path_log"]].isna().all(axis=None)
    assert table[~closed][["path", "path_log"]].notna().all(axis=None)


@pytest.mark.parametrize("method", faithful.BY_DEFINITION)
def test_methods_that_descend_the_risk_are_faithful_everywhere(method):
    rows = measured().query("method == @method")
    for column in (*CLOUDS, "path", "path_log", "cosine"):
        torch.testing.assert_close(torch.tensor(rows[column].to_numpy()), torch.ones(4).double(), rtol=0, atol=1e-6)


def test_methods_with_one_surrogate_have_one_faithfulness():
    table = (
        measured().query("task in ('ridge', 'logistic')").pivot_table(index=["task", "seed"], columns="method", values=list(CLOUDS))
    )
    for column in CLOUDS:
        assert (table[column].kernel_inducing == table[column].kernel_inducing_labels).all()
        if column != "left_out":  # there each leaves out a path of its own
            near = (table[column].herding - table[column].distribution_matching)["ridge"]
            assert near.abs().max() < 1e-3  # but for near ties


def test_kernel_inducing_points_are_most_faithful_to_the_regression_that_they_are_made_for():
    means = measured().query("method == 'kernel_inducing'").groupby("task").cloud.mean()
    assert means["single"] > 0.9
    assert means["single"] > max(means["ridge"], means["logistic"])


def test_a_path_that_does_not_move_has_no_correlation():
    runs = made()
    run = runs["ridge"]["kernel_inducing"]
    frozen = {key: dict(found) for key, found in runs.items()}
    frozen["ridge"]["kernel_inducing"] = run._replace(path={step: run.path[0] for step in run.path})
    row = faithful.compare(small(), frozen, PROBES).query("task == 'ridge' and method == 'kernel_inducing'").iloc[0]
    assert math.isnan(row.path)
    assert math.isnan(row.path_log)
    assert math.isfinite(row.cloud)


def test_the_worked_path_is_the_method_s_own_beside_the_cloud_of_its_start():
    world, runs = small(), made()
    path = faithful.worked_path(world, runs, PROBES, "ridge", "kernel_inducing_labels")
    walked, cloud = (path[path.kind == kind] for kind in ("path", "cloud"))
    assert walked.step.tolist() == list(range(world.steps + 1))
    row = measured().query("task == 'ridge' and method == 'kernel_inducing_labels' and seed == 0").iloc[0]
    tensors = [torch.tensor(rows[column].to_numpy()) for rows in (walked, cloud) for column in ("surrogate", "lost")]
    assert kendall(*tensors[:2]) == pytest.approx(row.path)
    assert kendall(*tensors[2:]) == pytest.approx(row.cloud, abs=2e-3)  # a share is a rounded risk


def test_what_agrees_to_ten_digits_is_tied():
    values = significant(torch.tensor([1.0, 1.0 + 1e-13, 1.0 + 1e-6, -3e-20, -3.1e-20, 0.0]).double())
    assert values[0] == values[1] != values[2]
    assert values[3] > values[4]
    assert values[5] == 0
