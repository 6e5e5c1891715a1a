import math

import pytest
import torch

from ddbook.chapters.methods_optimise import faithful
from ddbook.chapters.methods_optimise.experiment import AWARE, BLIND, GIVEN
from ddbook.chapters.methods_optimise.faithful import METHODS, common_cloud, significant, snapshot_steps, stages
from tests.ddbook.chapters.methods_optimise.world import PROBES, made, measured, small


def test_the_cloud_has_one_budget_the_ends_of_all_paths_and_their_perturbations():
    world, runs = small(), made()
    sets = common_cloud(world, runs, PROBES, 1)
    assert sets.budget == world.budget
    for key, names in (("ridge", (*GIVEN, *BLIND, *AWARE)), ("logistic", AWARE)):
        for name in names:
            end = runs[key][name].distilled
            assert (sets.x == end.x[1]).flatten(1).all(-1).any(), name
    assert sets.replicates % 2 == 0  # one perturbation of each


def test_snapshots_go_back_from_the_end():
    assert snapshot_steps(200, 1) == [200]
    assert snapshot_steps(200, 2) == [0, 200]
    assert snapshot_steps(200, 4) == [0, 12, 50, 200]
    assert snapshot_steps(1, 4) == [0, 1]


def test_stages_end_where_they_say():
    assert stages(200)["path"][-1] == 200
    assert stages(200)["early"][-1] == 20
    assert stages(50)["early"][-1] == 10
    assert stages(5)["early"] == stages(5)["path"] == [0, 1, 2, 3, 4, 5]


def test_there_is_one_row_for_each_task_method_and_seed():
    table = measured()
    rows = table[table.task != "single"]
    assert len(rows) == 2 * len(METHODS) * 2
    assert not rows.duplicated(["task", "method", "seed"]).any()
    assert (table[table.task == "single"].method == "kernel_inducing").all()
    assert len(table) == len(rows) + 2


def test_correlations_lie_where_correlations_lie_and_closed_forms_have_no_path():
    table = measured()
    assert table.cloud.between(-1 - 1e-12, 1 + 1e-12).all()
    assert table.cosine.between(-1 - 1e-12, 1 + 1e-12).all()
    closed = table.method.isin(GIVEN)
    assert table[closed].path.isna().all()
    assert table[~closed].path.notna().all()


@pytest.mark.parametrize("method", ["first_order", "implicit"])
def test_methods_that_descend_the_risk_are_faithful_everywhere(method):
    rows = measured().query("method == @method")
    for column in ("cloud", "path", "early", "cosine"):
        torch.testing.assert_close(torch.tensor(rows[column].to_numpy()), torch.ones(4).double(), rtol=0, atol=1e-6)


def test_methods_with_one_surrogate_have_one_faithfulness():
    table = measured().query("task != 'single'").pivot_table(index=["task", "seed"], columns="method", values="cloud")
    assert (table.kernel_inducing == table.kernel_inducing_labels).all()
    assert (table.herding - table.distribution_matching).abs().max() < 1e-3  # equal but for rounding that orders near ties


def test_kernel_inducing_points_are_most_faithful_to_the_regression_that_they_are_made_for():
    means = measured().query("method == 'kernel_inducing'").groupby("task").cloud.mean()
    assert means["single"] > 0.9
    assert means["single"] > max(means["ridge"], means["logistic"])


def test_a_path_that_does_not_move_has_no_correlation():
    world, runs = small(), made()
    still = [runs["ridge"]["kernel_inducing"].path[0]] * (world.steps + 1)
    frozen = {key: dict(found) for key, found in runs.items()}
    frozen["ridge"]["kernel_inducing"] = runs["ridge"]["kernel_inducing"]._replace(path=still)
    row = faithful.compare(small(), frozen, PROBES).query("task == 'ridge' and method == 'kernel_inducing'").iloc[0]
    assert math.isnan(row.path)
    assert math.isfinite(row.cloud)


def test_what_agrees_to_ten_digits_is_tied():
    values = significant(torch.tensor([1.0, 1.0 + 1e-13, 1.0 + 1e-6, -3e-20, -3.1e-20, 0.0]).double())
    assert values[0] == values[1] != values[2]
    assert values[3] > values[4]
    assert values[5] == 0
