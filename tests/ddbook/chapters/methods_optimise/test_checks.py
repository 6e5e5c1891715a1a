import pytest
import torch

from ddbook.chapters.methods_optimise import checks
from ddbook.chapters.methods_optimise.experiment import LINEAR
from ddlib.lens import scores
from ddlib.methods import GradientMatching, factor, matched_moments
from tests.ddbook.chapters.methods_optimise.world import made, small


def test_the_factor_of_the_data_has_no_gradient_gap_and_the_data_s_curvature():
    world = small()
    points = factor(world.data)
    values, _ = checks.principal(world)
    assert checks.gradient_gap(world, points).max() < 1e-18 * values[0] ** 2
    torch.testing.assert_close(checks.curvature(world, points)[0], values)
    assert (values[:-1] >= values[1:]).all()


def test_moments_count_weights():
    world = small()
    start = world.single.start(3, world.generator())
    twice = start._replace(w=2 * start.w)
    for once, doubled in zip(checks.moments(start), checks.moments(twice), strict=True):
        torch.testing.assert_close(2 * once, doubled)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_closed_form_of_gradient_matching_is_the_mean_of_its_surrogate(seed):
    world = small(seed=seed)
    start = world.family.start(3, world.generator())
    sampled = scores(GradientMatching(network=LINEAR, draws=4000), world.family, start, world.generator(), 5)
    torch.testing.assert_close(sampled.detach(), checks.gradient_gap(world, start), rtol=0.05, atol=0)


def test_gradient_matching_is_verified():
    found = checks.gradient_matching(small(), made()["ridge"]["gradient_matching"].distilled, rounds=20)
    assert found["gm_sampled"].low < 1.02
    assert found["gm_sampled"].high > 0.98
    assert found["gm_networks"].value == 2000
    assert found["gm_attained"].value < 1e-9
    assert found["gm_reached"].value >= 1
    assert 0 < found["gm_kept"].value < 1


def test_the_class_means_are_found_and_serve_the_nearest_mean_classifier():
    found = checks.distribution_matching(small(steps=400))
    assert found["dm_error"].value < 1e-3
    assert found["dm_disagreements"].value <= 1


def test_sets_with_the_class_means_have_no_surrogate_and_lose_much():
    table = checks.same_means(small())
    assert list(table.width) == list(checks.WIDTHS)
    assert table.surrogate.max() < 1e-20
    assert (table[["ridge", "logistic"]] > 0.1).all(axis=None)
    assert table.logistic.max() > 1.2 * table.logistic.min()


def test_solved_trajectories_keep_the_minimiser_and_the_curvature_only_for_as_many_steps():
    world = small()
    solved = checks.trajectory_matching(world)
    values, _ = checks.principal(world)
    assert len(solved.table) == len(solved.sets) == len(checks.SETTINGS)
    assert solved.table.surrogate.max() < 1e-20
    assert solved.table.minimiser_error.max() < 1e-10
    same = solved.table.N == solved.table.M
    assert 0 < same.sum() < len(same)
    assert solved.table.ridge_error[same].max() < 1e-12
    assert solved.table.ridge_error[~same].min() > 0.05
    for row, points in zip(solved.table.itertuples(), solved.sets, strict=True):
        kept = torch.isclose(checks.curvature(world, points)[0], values, rtol=1e-9)
        at_one = torch.isclose(row.eta_lambda1 * values / values[0], torch.ones_like(values), rtol=1e-9)
        assert torch.equal(kept, at_one | (row.N == row.M))


def test_a_curvature_that_is_kept_where_it_should_not_be_is_an_error(monkeypatch):
    monkeypatch.setattr(checks, "SETTINGS", ((0.5, 5, 5),))
    monkeypatch.setattr(checks, "matched_moments", lambda data, lr, student, stride: real(data, lr, student, stride + 1))
    monkeypatch.setattr(checks, "require", lambda holds, sentence: found.append(sentence) if not holds else None)
    found, real = [], matched_moments
    checks.trajectory_matching(small())
    assert any("5 steps of the student and 5 of the expert" in sentence for sentence in found)


def test_quantisation_finds_the_least_distances():
    table = checks.quantisation(small())
    assert list(zip(table.law, table.points, strict=True)) == [*(("uniform", k) for k in (1, 2, 3, 4)), ("normal", 2)]
    assert (table.found / table.exact - 1).abs().max() < 5e-3


def test_a_failed_check_says_what_is_wrong():
    with pytest.raises(ArithmeticError, match="theory and computation disagree: the moon is square"):
        checks.require(False, "the moon is square")
    world = small()
    beyond = factor(world.data)  # more points than the bound is for
    with pytest.raises(ArithmeticError, match="times the least gradient distance"):
        checks.gradient_matching(world, beyond, rounds=2)
