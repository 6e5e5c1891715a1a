import pytest
import torch

from ddlib.dbn.methods.baselines import estimate_by_em
from ddlib.dbn.task.merge_task import MergeTask
from ddlib.methods.first_order import FirstOrder
from ddlib.problem import Distilled, distil, regret, whole_set
from tests.ddlib.dbn.world import generator, merge_task, world
from tests.ddlib.methods.bowl import Bowl


def test_reaches_a_known_minimum():
    task = Bowl()
    chosen, history = distil(FirstOrder(lr=0.3, horizon=300), task, 3, 300, generator())
    torch.testing.assert_close(task.fit(chosen), task.target, rtol=0, atol=1e-4)
    assert history[-1].surrogate.max() < 1e-8


@pytest.mark.parametrize("schedule", ["cosine", "constant"])
def test_plain_descent_is_plain_descent(schedule):
    task = Bowl()
    method = FirstOrder(lr=0.1, horizon=10, optimiser="descent", schedule=schedule, final=0.0)
    state = method.init(task, 3, generator())
    gradient = 2 * (task.fit(state.current) - task.target).unsqueeze(1) / 3
    state2, info = method.update(task, state, generator())
    torch.testing.assert_close(state2.current.x, state.current.x - 0.1 * gradient.expand_as(state.current.x))
    torch.testing.assert_close(info.surrogate, task.risk(task.fit(state.current)))
    assert method.rate(10) == (0.0 if schedule == "cosine" else 0.1)


def test_adam_is_torchs_adam():
    task = Bowl()
    method = FirstOrder(lr=0.05, schedule="constant", epsilon=1e-8)
    state = method.init(task, 3, generator())
    x = state.current.x.clone().requires_grad_()
    optimiser = torch.optim.Adam([x], lr=0.05)
    for _ in range(20):
        state, _ = method.update(task, state, generator())
        optimiser.zero_grad()
        task.risk(task.fit(state.current._replace(x=x))).sum().backward()
        optimiser.step()
    torch.testing.assert_close(state.current.x, x.detach())


def test_keeps_the_best_iterate_of_each_replicate():
    task = Bowl()
    method = FirstOrder(lr=3.0, schedule="constant", optimiser="descent")
    seen = []
    best, _ = distil(method, task, 3, 12, generator(), lambda step, s, _: seen.append(task.risk(task.fit(s))))
    assert (torch.stack(seen).diff(dim=0) <= 0).all()
    assert torch.equal(task.risk(task.fit(best)), seen[-1])


class Askew(Bowl):
    """Two parts whose risks have different minima: the second one's lies at the origin."""

    def blocks(self, distilled):
        first, second = super().blocks(distilled)
        return [first, second._replace(risk=lambda model: 4 * model.square().sum(-1))]


def test_with_blocks_the_best_is_judged_by_the_mean_of_their_risks():
    task = Askew(blocks=2)
    method = FirstOrder(lr=0.5, schedule="constant")
    seen = []
    state = method.init(task, 4, generator())
    for step in range(40):
        if step % 2 == 0:  # judged once in a turn of all blocks
            model = task.fit(state.current)
            seen.append((torch.stack([block.risk(model) for block in task.blocks(state.current)]).mean(0), state.current.x))
        state, _ = method.update(task, state, generator())
    risks = torch.stack([risk for risk, _ in seen])
    best = risks.argmin(0)
    assert torch.equal(state.best, risks.amin(0)) and (best > 0).all()
    for r in range(2):
        assert torch.equal(state.distilled.x[r], seen[int(best[r])][1][r])
    alone = torch.stack([task.risk((x * 1.0).mean(-2)) for _, x in seen]).argmin(0)
    assert (alone != best).any()  # the first block alone would choose another


def test_with_blocks_too_it_improves_and_keeps_the_best_by_the_mean_of_all_block_risks():
    task = merge_task(objective="leave_one_out")
    judged: list[torch.Tensor] = []

    def observe(step: int, current: Distilled, surrogate: torch.Tensor | None) -> None:
        model = task.fit(current)
        judged.append(torch.stack([block.risk(model) for block in task.blocks(current)]).mean(0))

    distil(FirstOrder(lr=0.3, horizon=60, schedule="constant"), task, 12, 60, generator(), observe)
    path = torch.stack(judged)
    assert (path.diff(dim=0) <= 1e-12).all()
    assert (path[-1] < path[0] - 0.1).all()


def test_options_that_cannot_work_are_refused():
    for wrong in ({"lr": 0.0}, {"lr": float("nan")}, {"horizon": 0}, {"learn": ()}, {"learn": ("z",)}, {"optimiser": "sgd"}):
        with pytest.raises(ValueError):
            FirstOrder(**wrong)


def test_blocks_take_turns():
    task = Bowl(blocks=2)
    method = FirstOrder(lr=0.1)
    state = method.init(task, 4, generator())
    one, _ = method.update(task, state, generator())
    two, _ = method.update(task, one, generator())
    assert torch.equal(one.current.x[:, 1::2], state.current.x[:, 1::2]) and (one.current.x != state.current.x)[:, ::2].all()
    assert torch.equal(two.current.x[:, ::2], one.current.x[:, ::2]) and (two.current.x != one.current.x)[:, 1::2].all()
    assert two.updates.tolist() == [1, 1, 1, 1]


def test_labels_and_weights_can_be_learned():
    task = Bowl()
    for part in ("y", "w"):
        chosen, _ = distil(FirstOrder(lr=0.2, learn=(part,), horizon=400), task, 5, 400, generator())
        start = task.start(5, generator())
        assert torch.equal(chosen.x, start.x)
        assert (task.risk(task.fit(chosen)) < 0.2 * task.risk(task.fit(start))).all()
        assert (chosen.w > 0).all()


def test_replicates_do_not_touch_each_other():
    graph, truth, sources = world(seed=2)
    whole = MergeTask(graph, truth, sources)
    alone = MergeTask(*(type(part)(*(field[1:] for field in part)) for part in (graph, truth, sources)))
    start = whole.start(8, generator())

    class From(FirstOrder):
        def init(self, task, budget, generator):
            state = super().init(task, budget, generator)
            rows = Distilled(*(part[-task.truth.variance.shape[0] :] for part in start))
            return state._replace(distilled=rows, current=rows)

    both, _ = distil(From(lr=0.05), whole, 8, 20, generator())
    one, _ = distil(From(lr=0.05), alone, 8, 20, generator())
    torch.testing.assert_close(both.x[1:], one.x, rtol=1e-7, atol=1e-7)


def test_same_seed_bitwise_the_same():
    for objective in ("all", "leave_one_out"):
        first, second = (distil(FirstOrder(), merge_task(objective=objective), 8, 7, generator(4))[0] for _ in range(2))
        assert torch.equal(first.x, second.x)


@pytest.fixture(scope="module")
def large():
    """A merge of the size that the goal is stated for, and EM's regret."""
    task = merge_task(variables=10, sources=5, slices=5, trajectories=1000)
    return task, regret(task, estimate_by_em(task).model, "test")


@pytest.mark.parametrize("budget", [10, 20, 50, 100])
def test_merging_reaches_ems_regret_from_noisy_rows(large, budget):
    """The goal, on two networks: at most 1.05 times EM's regret at every budget."""
    task, em = large
    reached = regret(task, task.fit(distil(FirstOrder(lr=0.1, horizon=300), task, budget, 300, generator())[0]), "test")
    assert (reached <= 1.05 * em).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lr": 0.0}, "must be positive"),
        ({"lr": float("nan")}, "must be positive"),
        ({"final": -0.1}, "last share at least 0"),
        ({"horizon": 0}, "at least 1 update"),
        ({"learn": ("z",)}, "learned parts"),
        ({"learn": ()}, "learned parts"),
        ({"optimiser": "x"}, "unknown"),
    ],
)
def test_clear_errors(options, message):
    with pytest.raises(ValueError, match=message):
        FirstOrder(**options)


def test_a_task_without_gradient_is_refused():
    class Flat(Bowl):
        def fit(self, distilled, generator=None):
            return super().fit(distilled).detach()

    with pytest.raises(ValueError, match="no gradient"):
        distil(FirstOrder(), Flat(), 3, 1, generator())
    assert len(whole_set(Flat(), Flat().start(3, generator()))) == 1
