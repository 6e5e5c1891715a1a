import pytest
import torch

from ddlib.dbn.likelihood.observed import em, observed_log_likelihood
from ddlib.dbn.methods.baselines import CarriedEm, CleanSubset, ceiling, clean_trajectories, estimate_by_em
from ddlib.dbn.model.generate import random_networks, sample
from ddlib.dbn.model.network import Graph
from ddlib.dbn.sources import draw_sources, random_pattern
from ddlib.dbn.task.merge_task import MergeTask
from ddlib.methods import FirstOrder
from ddlib.problem import Distilled, Task, distil, regret
from tests.ddlib.dbn.world import difference, generator, merge_task, world
from tests.ddlib.methods.bowl import Bowl


def test_it_is_a_task():
    task = merge_task()
    assert isinstance(task, Task)
    assert task.train.x.shape == (2, 300, 3, 4) and task.train.stored_numbers == 300 * 12
    assert regret(task, task.reference, "test").abs().max() == 0


def test_risk_is_the_sources_likelihood_per_trajectory():
    task = merge_task()
    expected = -observed_log_likelihood(task.truth, task.statistics, 3).sum(-1) / 300
    torch.testing.assert_close(task.risk(task.truth), expected)
    torch.testing.assert_close(task.risk(task.truth, "test"), -ceiling(task))


def test_start_takes_rows_of_each_source_and_fills_what_they_hide():
    task = merge_task(sources=3)
    start = task.start(8, generator(1))
    assert task.source_of(8).tolist() == [0, 0, 0, 1, 1, 1, 2, 2]
    assert start.x.isfinite().all() and start.y.shape == (2, 8, 0)
    for r in range(2):
        taken = set()
        for unit, k in enumerate(task.source_of(8).tolist()):
            seen = task.sources.observed[r, k]
            same = (task.sources.values[r, k][:, seen] == start.x[r, unit][seen]).all(-1)
            assert same.sum() == 1
            taken.add((k, int(same.int().argmax())))
        assert len(taken) == 8


@pytest.mark.parametrize(("fill", "centre"), [("marginal", 3.0), ("standard_normal", 0.0)])
def test_the_two_ways_to_fill(fill, centre):
    graph, truth, sources = world(trajectories=2000)
    task = MergeTask(graph, truth, sources._replace(values=sources.values + 3), fill=fill)
    start = task.start(3000, generator(1))
    hidden = ~sources.observed[:, task.source_of(3000)]
    level = truth.first_intercept.new_tensor(start.x[hidden].mean().item())
    assert abs(level - centre) < 1.1  # the levels of the variables are U(-1, 1)


def test_blocks_are_the_published_leave_one_out():
    task = merge_task(objective="leave_one_out")
    blocks = task.blocks(task.start(7, generator()))
    assert [block.rows.tolist() for block in blocks] == [[0, 1, 2], [3, 4], [5, 6]]
    each = observed_log_likelihood(task.truth, task.statistics, 3)
    for j, block in enumerate(blocks):
        others = [i for i in range(3) if i != j]
        torch.testing.assert_close(block.risk(task.truth), -each[:, others].sum(-1) / 200)
    assert len(task.blocks(task.start(2, generator()))) == 2
    assert [block.rows.tolist() for block in merge_task().blocks(task.start(4, generator()))] == [[0, 1, 2, 3]]


def test_risk_of_the_fit_has_the_right_gradient():
    task = merge_task(variables=3)
    start = task.start(9, generator())

    def risk(x, w):
        return task.risk(task.fit(Distilled(x, start.y, w))) + task.risk(task.fit(Distilled(x, start.y, w)), "test")

    assert torch.autograd.gradcheck(risk, (start.x.requires_grad_(), start.w.requires_grad_()))


def test_extra_axes_give_what_a_loop_gives():
    task = merge_task(objective="leave_one_out")
    starts = [task.start(8, generator(k)) for k in range(3)]
    many = task.fit(Distilled(*(torch.stack(parts) for parts in zip(*starts, strict=True))))
    for k, start in enumerate(starts):
        model = task.fit(start)
        for split in ("train", "test"):
            torch.testing.assert_close(task.risk(many, split)[k], task.risk(model, split), rtol=1e-12, atol=1e-12)
        for block in task.blocks(start):
            torch.testing.assert_close(block.risk(many)[k], block.risk(model), rtol=1e-12, atol=1e-12)


def test_em_has_the_lowest_training_risk_and_can_be_carried():
    task = merge_task(trajectories=300)
    estimate = estimate_by_em(task, tolerance=1e-13).model
    carried, _ = distil(CarriedEm(tolerance=1e-13), task, 10, 0, generator())
    assert difference(task.fit(carried), estimate) < 1e-8
    assert (task.risk(estimate) <= task.risk(task.truth)).all()
    assert (task.risk(estimate) < task.risk(task.fit(clean_trajectories(task, 30, generator())))).all()


def test_em_reaches_the_same_risk_from_the_truth():
    """No local optimum on networks of the chapter's size, and the estimate does not depend on where EM begins."""
    task = merge_task(replicates=4, variables=10, sources=5, slices=5, trajectories=1000)
    found = estimate_by_em(task)
    other = em(task.graph, task.statistics, task.slices, 1e-13, 20_000, start=task.truth)
    assert found.converged.all() and other.converged.all()
    torch.testing.assert_close(task.risk(found.model), task.risk(other.model), rtol=0, atol=1e-11)
    found_regret, other_regret = (regret(task, result.model, "test") for result in (found, other))
    torch.testing.assert_close(found_regret, other_regret, rtol=1e-4, atol=0)


def test_clean_subset_is_a_draw_from_the_truth():
    task = merge_task()
    chosen, _ = distil(CleanSubset(), task, 20, 0, generator(3))
    assert torch.equal(chosen.x, sample(task.truth, 20, 3, generator(3)))
    few = regret(task, task.fit(chosen), "test")
    many = regret(task, task.fit(clean_trajectories(task, 5000, generator())), "test")
    assert (many > 0).all() and (many < few).all()


def test_validation_is_held_out_data():
    graph, truth, sources = world()
    held = world(trajectories=50).sources
    task = MergeTask(graph, truth, sources, validation=held)
    torch.testing.assert_close(task.risk(truth, "validation"), MergeTask(graph, truth, held).risk(truth))
    with pytest.raises(ValueError, match="no validation data"):
        merge_task().risk(truth, "validation")


def _broken(change):
    graph, truth, sources = world()
    return lambda: MergeTask(graph, truth, change(sources))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: merge_task(objective="some"), "'all' or 'leave_one_out'"),
        (lambda: MergeTask(*world(), fill="zero"), "filled by"),
        (lambda: MergeTask(world(variables=3).graph, *world()[1:]), "3 variables, but the sources"),
        (lambda: MergeTask(Graph(*(torch.ones(2, 4, 4, dtype=torch.bool),) * 3), *world()[1:]), "acyclic"),
        (_broken(lambda s: type(s)(*(part[:, :1] for part in s))), "at least 2 sources"),
        (_broken(lambda s: s._replace(observed=torch.zeros_like(s.observed))), "hidden by every source"),
        (_broken(lambda s: s._replace(values=s.values * torch.inf)), "not a finite number"),
        (lambda: merge_task().start(0, generator()), "budget of 0"),
        (lambda: merge_task().start(301, generator()), "has 100"),
        (lambda: merge_task().risk(world().truth, "tests"), "the split must be"),
        (lambda: merge_task().fit(merge_task().start(1, generator())), "too few"),
        (lambda: merge_task().fit(merge_task(slices=4).start(9, generator())), r"\(T, p\) = \(3, 4\)"),
    ],
)
def test_clear_errors(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()


def test_baselines_know_only_the_merge_task():
    with pytest.raises(TypeError, match="no sources to merge"):
        CleanSubset().choose(Bowl(), 3, generator())


def test_patterns_that_differ_between_slices_can_be_merged():
    draw = generator(3)
    graph, truth = random_networks(2, 4, draw)
    pattern = random_pattern(2, 3, 3, 4, draw, hidden=0.5, per_slice=True)
    task = MergeTask(graph, truth, draw_sources(truth, pattern, 50, draw))
    assert task.start(9, draw).x.isfinite().all()
    assert task.risk(task.fit(task.start(9, draw))).isfinite().all()


def test_em_ends_at_the_same_risk_from_the_truth_and_converges_or_says_so():
    task = merge_task(variables=6, trajectories=300)
    own = estimate_by_em(task)
    other = em(task.graph, task.statistics, task.slices, 1e-13, 20_000, start=task.truth)
    torch.testing.assert_close(task.risk(own.model), task.risk(other.model), rtol=0, atol=1e-9)
    with pytest.raises(RuntimeError, match="has not converged in 3 iterations on the replicates"):
        estimate_by_em(task, iterations=3)


def test_first_order_distillation_reaches_ems_regret_on_networks_of_its_own():
    """The goal of chapter 04, on five small networks: at most 1.05 times EM's regret, never shown EM's answer."""
    task = merge_task(seed=11, replicates=5, variables=6, sources=4, slices=4, trajectories=300)
    chosen, _ = distil(FirstOrder(0.1, horizon=300), task, 12, 300, generator(1))
    reached, limit = (regret(task, model, "test") for model in (task.fit(chosen), estimate_by_em(task).model))
    assert (reached / limit).median() <= 1.05
