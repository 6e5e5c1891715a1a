from dataclasses import dataclass, replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ddlib.learners import Network
from ddlib.lens import (
    cloud,
    cross_task,
    distinct,
    faithfulness,
    gradient_cosine,
    kendall,
    one_point_lower_bound,
    relative_regret,
    ridge_lower_bound,
    ridge_regret_bound,
    scores,
    stacked,
    untrained,
)
from ddlib.methods import (
    DistributionMatching,
    Exact,
    FirstOrder,
    GradientMatching,
    Herding,
    Implicit,
    KCenter,
    TrajectoryMatching,
    ZerothOrder,
    factor,
)
from ddlib.problem import Distilled, distil, regret
from ddlib.serving import serving
from ddlib.tasks import LeastAbsoluteTask, LogisticTask, RidgeTask
from tests.ddlib.products import METHODS, reach
from tests.ddlib.worlds import PENALTIES, closed_form_tasks, diabetes, generator, random_data, seeds


def test_the_bound_has_theorys_values_on_the_diabetes_data():
    task = RidgeTask(diabetes(), penalties=PENALTIES)
    bounds = [ridge_lower_bound(task.reference, m).item() for m in range(1, 7)]
    assert bounds[:5] == pytest.approx([0.41, 0.155, 0.0141, 4.0e-3, 8.1e-5], rel=0.02)
    assert bounds[5] == 0


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
@given(seed=seeds, m=st.integers(1, 5))
@settings(max_examples=15)
def test_no_method_goes_below_the_bound(method, seed, m):
    task = RidgeTask(random_data(seed, d=4), replicates=2, penalties=(0.1, 1.0, 10.0, 100.0))
    chosen = reach(method, task, m)
    bound = ridge_lower_bound(task.reference, m)
    assert (task.parameter_error(task.fit(chosen)) >= bound - 1e-9).all()


@pytest.mark.parametrize("m", [1, 2, 3])
def test_a_long_search_over_points_labels_and_weights_does_not_go_below_the_bound(m):
    task = RidgeTask(random_data(0, d=4), replicates=2, penalties=(0.1, 1.0, 10.0, 100.0))
    start = task.start(m, generator())
    chosen = reach(FirstOrder(horizon=200, learn=("x", "y", "w")), task, m, steps=200)
    bound, error = ridge_lower_bound(task.reference, m), task.parameter_error(task.fit(chosen))
    assert (error >= bound - 1e-9).all()
    assert (regret(task, task.fit(chosen)) < 0.5 * regret(task, task.fit(start))).all()


@given(seeds)
@settings(max_examples=10)
def test_learning_nothing_loses_everything_and_learning_from_the_data_nothing(seed):
    for task in closed_form_tasks(random_data(seed)):
        assert (untrained(task) == 0).all()
        torch.testing.assert_close(relative_regret(task, task.train), torch.zeros(2).double(), atol=1e-9, rtol=0)


def test_the_best_set_for_one_task_is_poor_for_another():
    """The thesis, exactly: each one-point set has no regret on its own task and some on every other."""
    data = diabetes()
    tasks = [RidgeTask(data, penalties=(p,)) for p in (0.0, 100.0)] + [LeastAbsoluteTask(data), LogisticTask(data)]
    sets = [distil(Exact(), task, 1, 0, generator())[0] for task in tasks]
    matrix = cross_task([*sets, factor(data)], tasks)[..., 0]
    own = torch.eye(4, dtype=torch.bool)
    assert matrix[:4][own].abs().max() < 1e-10
    assert matrix[:4][~own].min() > 1e-3
    assert matrix[4, :2].abs().max() < 1e-10
    assert matrix[4, 2:].min() > 1e-3


def test_regret_does_not_become_negative_for_a_random_model():
    for task in closed_form_tasks(random_data(3)):
        model = torch.randn(task.fit(task.train).shape, generator=generator(), dtype=torch.float64)
        assert (regret(task, model) >= 0).all()


@given(seeds, st.floats(0.01, 100), st.floats(-5, 5), st.floats(0.01, 100))
@settings(max_examples=20)
def test_no_single_point_along_a_solution_goes_below_its_bound(seed, length, label, weight):
    """Whatever length, label and weight the point has; each task's own solution has the bound zero."""
    data = random_data(seed)
    tasks = [RidgeTask(data, penalties=(1.0,)), RidgeTask(data, penalties=(50.0,)), LeastAbsoluteTask(data), LogisticTask(data)]
    for own in tasks:
        solution = own.reference.flatten()
        x = length * solution / solution.norm()
        point = Distilled(x[None, None], torch.tensor([[label]]).double(), torch.tensor([[weight]]).double())
        for other in tasks:
            bound = one_point_lower_bound(other, solution)
            assert relative_regret(other, point).item() >= bound - 1e-7
            assert (abs(bound) < 1e-9) == (other is own)


@given(seeds)
@settings(max_examples=10)
def test_the_bound_of_a_point_is_that_of_its_line_whatever_the_sign(seed):
    data = random_data(seed)
    first, second = RidgeTask(data, penalties=(1.0,)), RidgeTask(data, penalties=(50.0,))
    solution = first.reference.flatten()
    assert abs(one_point_lower_bound(first, -solution)) < 1e-9
    assert one_point_lower_bound(second, -solution) == pytest.approx(one_point_lower_bound(second, solution), rel=1e-6, abs=1e-10)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
@given(seed=seeds, m=st.integers(1, 4))
@settings(max_examples=10)
def test_no_method_loses_less_than_the_bound_on_regret(method, seed, m):
    task = RidgeTask(random_data(seed, d=4), replicates=2, penalties=(0.1, 1.0, 10.0, 100.0))
    assert (relative_regret(task, reach(method, task, m)) >= ridge_regret_bound(task, m) - 1e-12).all()


def test_the_bound_on_regret_is_near_what_a_converged_descent_reaches_on_the_diabetes_data():
    data = diabetes()
    task = RidgeTask(data._replace(y=data.y / data.y.std()), 2, penalties=PENALTIES)
    method = FirstOrder(0.3, learn=("x", "y"), betas=(0.95, 0.95))
    reached = relative_regret(task, distil(method, task, 2, 1000, generator()).distilled).max().item()
    assert 1 <= reached / ridge_regret_bound(task, 2) < 1.5


def test_the_bound_falls_with_the_budget_and_is_zero_with_a_point_for_each_solution():
    task = RidgeTask(random_data(1, d=4), penalties=(0.1, 1.0, 10.0, 100.0))
    bounds = [ridge_regret_bound(task, m) for m in range(1, 5)]
    assert bounds == sorted(bounds, reverse=True)
    assert bounds[0] > 0
    assert bounds[-1] == 0


def test_nearly_equal_penalties_need_one_point():
    task = RidgeTask(random_data(2, d=4), penalties=(10.0, 10.0 * (1 + 1e-9)))
    assert ridge_regret_bound(task, 1) == pytest.approx(0, abs=1e-9)


def test_a_direction_of_zero_or_for_several_solutions_is_refused():
    data = random_data(0)
    with pytest.raises(ValueError, match="not all zero"):
        one_point_lower_bound(LogisticTask(data), torch.zeros(3).double())
    with pytest.raises(ValueError, match="one solution of shape"):
        one_point_lower_bound(RidgeTask(data, penalties=(1.0, 2.0)), torch.ones(3).double())
    with pytest.raises(ValueError, match="at least 1 point"):
        ridge_lower_bound(torch.ones(2, 3), 0)
    for penalties, m in (((1.0, 2.0), 0), ((0.0, 2.0), 1)):
        with pytest.raises(ValueError, match="at least 1 point and positive penalties"):
            ridge_regret_bound(RidgeTask(data, penalties=penalties), m)


@dataclass(frozen=True)
class Turned:
    """A surrogate that prefers exactly the wrong sets: minus the risk."""

    name: str = "turned"

    def surrogate(self, task, distilled, generator):
        return -FirstOrder().surrogate(task, distilled, generator)


def smooth_tasks(data):
    return [RidgeTask(data, penalties=(10.0,)), RidgeTask(data, penalties=(0.1, 100.0)), LogisticTask(data)]


def some_sets(task, count=4, m=2):
    """A cloud around rows of the data."""
    return cloud(task, [replace(task, replicates=count).start(m, generator())], generator(1))


def test_kendall_counts_pairs_and_corrects_for_ties():
    a = torch.tensor([1.0, 2.0, 2.0, 3.0, 5.0])
    assert kendall(a, a.exp()) == 1
    assert kendall(a, -a) == -1
    # of ten pairs 7 agree, 1 disagrees, 1 is tied in a and 1 in b: (7 - 1) / sqrt(9 * 9)
    assert kendall(a, torch.tensor([1.0, 3.0, 2.0, 2.0, 4.0])) == pytest.approx(6 / 9)


@pytest.mark.parametrize(
    ("a", "b", "sentence"),
    [
        ([1.0, 2.0], [1.0], "same 2 or more sets"),
        ([1.0], [1.0], "same 2 or more sets"),
        ([1.0, float("nan")], [1.0, 2.0], "finite numbers"),
        ([1.0, 2.0], [3.0, 3.0], "all of one side are the same"),
    ],
)
def test_kendall_refuses_what_has_no_order(a, b, sentence):
    with pytest.raises(ValueError, match=sentence):
        kendall(torch.tensor(a), torch.tensor(b))


@given(seeds)
@settings(max_examples=5)
def test_the_cloud_has_one_budget_finite_risks_and_the_given_sets(seed):
    data = random_data(seed)
    for task in smooth_tasks(data):
        starts = [replace(task, replicates=2).start(3, generator(k)) for k in (0, 1)]
        sets = cloud(task, starts, generator(seed), sizes=(0.1, 1.0))
        given_sets = distinct(stacked(starts))
        assert sets.budget == 3
        assert sets.replicates == 3 * given_sets.replicates
        many = replace(task, replicates=sets.replicates)
        assert many.risk(many.fit(sets)).isfinite().all()
        assert torch.equal(sets.x[: given_sets.replicates], given_sets.x)
        again = cloud(task, starts, generator(seed), sizes=(0.1, 1.0))
        assert all(torch.equal(a, b) for a, b in zip(sets, again, strict=True))


def test_perturbations_have_the_size_asked_for_and_weights_stay():
    task = RidgeTask(random_data(0, n=400), replicates=50)
    start = task.start(30, generator())._replace(w=torch.full((50, 30), 7.0).double())
    sets = cloud(RidgeTask(task.data), [start], generator(), sizes=(0.1,))
    assert (sets.w == 7).all()
    for before, after in ((start.x, sets.x[50:]), (start.y, sets.y[50:])):
        relative = (after - before).square().mean().sqrt() / before.square().mean().sqrt()
        assert relative.item() == pytest.approx(0.1, rel=0.05)


def test_the_cloud_leaves_out_sets_that_are_not_finite():
    task = RidgeTask(random_data(0))
    good = replace(task, replicates=2).start(2, generator())
    bad = good._replace(y=good.y * torch.tensor([[torch.inf], [1.0]]))
    sets = cloud(task, [bad], generator(), sizes=())
    assert sets.replicates == 1
    assert torch.equal(sets.x[0], good.x[1])


def test_a_cloud_of_several_budgets_or_none_is_refused():
    task = RidgeTask(random_data(0))
    with pytest.raises(ValueError, match="sets of one budget"):
        cloud(task, [task.start(2, generator()), task.start(3, generator())], generator())
    with pytest.raises(ValueError, match="sets of one budget"):
        cloud(task, [], generator())
    with pytest.raises(ValueError, match="positive sizes"):
        cloud(task, [task.start(2, generator())], generator(), sizes=(0.0,))
    broken = task.start(2, generator())
    with pytest.raises(ValueError, match="no set of the cloud has a finite risk"):
        cloud(task, [broken._replace(x=broken.x * torch.nan)], generator(), sizes=())


@given(seeds)
@settings(max_examples=5)
def test_the_risk_is_faithful_to_itself_and_its_negative_the_opposite(seed):
    for task in smooth_tasks(random_data(seed)):
        sets = some_sets(task)
        assert faithfulness(FirstOrder(), task, sets, generator()) == 1
        assert faithfulness(Turned(), task, sets, generator()) == -1
        one = torch.ones(sets.replicates, dtype=torch.float64)
        torch.testing.assert_close(gradient_cosine(FirstOrder(), task, sets, generator()), one)
        torch.testing.assert_close(gradient_cosine(Implicit(), task, sets, generator()), one, rtol=0, atol=1e-6)
        torch.testing.assert_close(gradient_cosine(Turned(), task, sets, generator()), -one)


def test_herding_and_distribution_matching_have_one_surrogate_where_labels_are_numbers():
    task = RidgeTask(random_data(2))
    sets = some_sets(task)
    ours, theirs = (scores(method, task, sets, generator()) for method in (Herding(), DistributionMatching()))
    torch.testing.assert_close(ours, theirs)


def test_the_cosine_is_of_the_gradient_by_differences():
    """Labels count in units of their standard deviation."""
    task = RidgeTask(random_data(4), penalties=(3.0,))
    sets = some_sets(task, count=1)
    sd, step = task.data.y.std(correction=0), 1e-6

    def slopes(method):
        found = []
        for part, unit in (("x", 1.0), ("y", sd)):
            for index in torch.ones(getattr(sets, part).shape[1:]).nonzero():
                shift = torch.zeros_like(getattr(sets, part))
                shift[(slice(None), *index)] = step * unit
                ends = [sets._replace(**{part: getattr(sets, part) + sign * shift}) for sign in (1, -1)]
                ahead, behind = (scores(method, task, end, generator()) for end in ends)
                found.append((ahead - behind) / (2 * step))
        return torch.stack(found, -1)

    expected = torch.cosine_similarity(slopes(Herding()), slopes(FirstOrder()), dim=-1)
    torch.testing.assert_close(gradient_cosine(Herding(), task, sets, generator()), expected, rtol=0, atol=1e-5)


def test_the_sampled_surrogate_of_gradient_matching_has_its_closed_form():
    """T6: with standard normal weights it is the distance of the sufficient statistics."""
    data = random_data(6)
    task = RidgeTask(data)
    sets = some_sets(task, count=2)
    network = Network(widths=(), bias=False, mean=False, scale=data.x.shape[-1] ** 0.5)
    sampled = scores(GradientMatching(network=network, draws=2000), task, sets, generator(), draws=10)

    def moments(points):
        return points.x.mT @ points.x, points.x.mT @ points.y.unsqueeze(-1)

    exact = sum((ours - theirs).square().sum((-2, -1)) for ours, theirs in zip(moments(sets), moments(data), strict=True))
    torch.testing.assert_close(sampled.detach(), exact, rtol=0.05, atol=0)


@pytest.mark.parametrize("method", [GradientMatching(draws=3), TrajectoryMatching(experts=2)], ids=lambda method: method.name)
def test_random_draws_are_common_to_all_sets(method):
    """Sets that are equal have equal scores, although every score is random."""
    task = RidgeTask(random_data(1))
    start = task.start(2, generator())
    values = scores(method, task, stacked([start] * 3), generator(), draws=2)
    torch.testing.assert_close(values, values[:1].expand(3))
    other = scores(method, task, start, generator(9), draws=2)
    assert not torch.isclose(other, values[:1]).item()


def test_a_smoothed_risk_is_nearly_faithful():
    task = RidgeTask(random_data(3), penalties=(10.0,))
    assert faithfulness(ZerothOrder(sigma=0.01, antithetic=True), task, some_sets(task), generator()) > 0.95


def test_what_cannot_be_compared_is_refused_with_a_reason():
    task = RidgeTask(random_data(0), replicates=2)
    sets = some_sets(replace(task, replicates=1))
    with pytest.raises(ValueError, match="has no surrogate"):
        faithfulness(Exact(), task, sets, generator())
    with pytest.raises(ValueError, match="at least 1 draw"):
        scores(FirstOrder(), task, sets, generator(), draws=0)
    with pytest.raises(ValueError, match="has no gradient"):
        gradient_cosine(KCenter(), LeastAbsoluteTask(task.data), sets, generator())
    several = RidgeTask(task.train, replicates=2)
    with pytest.raises(ValueError, match="replicates cannot serve"):
        scores(FirstOrder(), several, sets, generator())

    class Fixed:
        name = "fixed"
        train = random_data(0)

    with pytest.raises(ValueError, match="fixed number of replicates"):
        serving(Fixed(), 3)
