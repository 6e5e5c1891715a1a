"""Every method on every task: finite sets or a clear refusal, regret never negative, exact where theory says so."""

from dataclasses import dataclass

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import ddlib.methods
from ddlib.lens import relative_regret, ridge_lower_bound
from ddlib.methods import Exact, FirstOrder, SolvedLabels, ZerothOrder, construct, is_exact
from ddlib.problem import ClosedForm, Distilled, distil, regret
from ddlib.protocols import Constructible
from ddlib.tasks import EmpiricalTask, LeastAbsoluteTask, LogisticTask, RidgeTask, as_data
from tests.ddlib.products import METHODS, public_methods, reach, refusal
from tests.ddlib.worlds import closed_form_tasks, generator, random_data, seeds, split_tasks

CLOSED, SPLIT = closed_form_tasks(random_data(0)), split_tasks(0)


def label(thing):
    return thing.name


def met(method, task, budget, **options):
    """The set, or None where the method owes the task a refusal and gives it."""
    owed = refusal(method, task, budget)
    if owed is None:
        chosen = reach(method, task, budget, **options)
        assert 1 <= chosen.budget <= budget and chosen.replicates == 2
        assert all(bool(part.isfinite().all()) for part in chosen) and (chosen.w >= 0).all()
        return chosen
    with pytest.raises(owed[0], match=owed[1]):
        reach(method, task, budget, **options)
    return None


@pytest.mark.parametrize("which", range(len(CLOSED)), ids=[task.name for task in CLOSED])
@pytest.mark.parametrize("method", METHODS, ids=label)
@given(seed=seeds)
@settings(max_examples=3)
def test_every_method_on_every_closed_form_task(method, which, seed):
    task = closed_form_tasks(random_data(seed))[which]
    for budget in (1, 4):
        chosen = met(method, task, budget)
        if chosen is None:
            continue
        model = task.fit(chosen)
        assert (regret(task, model) >= -1e-9 * task.risk(task.reference).abs()).all()
        if isinstance(task, RidgeTask):
            assert (task.parameter_error(model) >= ridge_lower_bound(task.reference, chosen.budget) - 1e-9).all()
        if method.name == "exact" and is_exact(task, budget):
            assert (relative_regret(task, chosen).abs() < 1e-10).all()


@pytest.mark.parametrize("which", range(len(SPLIT)), ids=[f"{task.name}-{i}" for i, task in enumerate(SPLIT)])
@pytest.mark.parametrize("method", METHODS, ids=label)
@given(seed=st.integers(0, 1000))
@settings(max_examples=2)
def test_every_method_on_every_split_task(method, which, seed):
    task = split_tasks(seed)[which]
    for budget in (1, 5):
        chosen = met(method, task, budget, steps=2)
        if chosen is None:
            continue
        model = task.fit(chosen)
        for part in ("train", "validation", "test"):
            risk = task.risk(model, part)
            assert risk.shape == (2,) and risk.isfinite().all()
        if method.name == "exact" and is_exact(task, budget):
            assert (regret(task, model, "test").abs() < 1e-9 * task.risk(task.reference, "test")).all()


@pytest.mark.parametrize("method", [FirstOrder(begin=Exact()), ZerothOrder(begin=Exact()), SolvedLabels(points=Exact())], ids=label)
def test_a_method_requires_what_the_method_that_it_begins_with_requires(method):
    known, unknown = CLOSED[1], SPLIT[0]
    assert refusal(method, unknown, 2) == (NotImplementedError, "no exact construction")
    assert met(method, unknown, 2) is None and met(method, known, 2) is not None


def test_refusals_are_what_theory_expects_and_rare():
    """By name, so that a requirement which refuses too much is seen."""
    refused = {(m.name, t.name) for m in METHODS for t in (*CLOSED, *SPLIT) if refusal(m, t, 5) and m.name != "exact"}
    one_way = {"kernel ridge", "1-NN", "predictive interval", "predictive mean"}
    assert {task for method, task in refused if method == "unrolled"} == one_way
    assert {task for method, task in refused if method == "implicit"} == one_way | {"least absolute deviation"}
    assert {task for method, task in refused if method == "first_order"} == {"1-NN", "logistic", "least absolute deviation"}
    assert {method for method, _ in refused} == {"unrolled", "implicit", "first_order"}


@pytest.mark.parametrize("method", METHODS, ids=label)
def test_the_same_seed_gives_bitwise_the_same_set_and_a_surrogate_for_each_replicate(method):
    for task in (*CLOSED, *SPLIT):
        if refusal(method, task, 2) is None:
            (first, history), (second, _) = (distil(method, task, 2, 2, generator()) for _ in range(2))
            assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
            assert all(info.surrogate.shape == (2,) for info in history)


def conditioned(seed: int, condition: float, n: int = 20, d: int = 3) -> Distilled:
    """Data whose second moments have the given condition number."""
    draw = generator(seed)
    left, right = (torch.linalg.qr(torch.randn(k, d, generator=draw, dtype=torch.float64)).Q for k in (n, d))
    x = left @ torch.logspace(0, -0.5, d, condition, dtype=torch.float64).diag() @ right.mT * n**0.5
    theta, noise = (torch.randn(k, generator=draw, dtype=torch.float64) for k in (d, n))
    return as_data(x, x @ theta + noise)


@given(seeds, st.floats(0, 6), st.sampled_from([0.0, 1e-2, 1.0, 100.0]))
@settings(max_examples=40)
def test_pairs_declared_exact_are_exact_to_1e10_up_to_a_condition_of_1e6(seed, digits, penalty):
    data = conditioned(seed, 10.0**digits)
    assert torch.linalg.cond(data.x[0].mT @ data.x[0]).item() == pytest.approx(10.0**digits, rel=1e-6)
    family = RidgeTask(data, penalties=(penalty, penalty + 1, 10 * penalty + 10, 1000.0))
    exact = [
        (task, budget)
        for task in (
            RidgeTask(data, penalties=(penalty,)),
            family,
            LeastAbsoluteTask(data),
            LogisticTask(data, penalty=1 + penalty),
        )
        for budget in range(1, 5)
        if is_exact(task, budget)
    ]
    assert len(exact) == 4 + 2 + 4 + 4
    for task, budget in exact:
        model = task.fit(construct(task, budget))
        assert ((model - task.reference).norm(dim=-1) <= 1e-10 * task.reference.norm(dim=-1)).all()


@pytest.mark.parametrize("task", [*CLOSED, *SPLIT], ids=label)
def test_a_task_keeps_its_promise_of_an_exact_set(task):
    """At every budget that it names there is a set, of no more units, that serves it with zero regret."""
    promised = [budget for budget in range(1, 9) if is_exact(task, budget)]
    assert bool(promised) == isinstance(task, Constructible)
    for budget in promised:
        chosen = reach(Exact(), task, budget)
        assert chosen.budget <= budget
        for part in ("train", "validation", "test"):
            risk = task.risk(task.reference, part)
            assert (regret(task, task.fit(chosen), part).abs() <= 1e-9 * risk.abs()).all()


@dataclass(frozen=True, eq=False)
class MeanOfLabels(EmpiricalTask):
    """A task that the library does not know, with an exact set of its own: the mean of y is that of one row at it."""

    name: str = "mean of labels"

    def fit(self, distilled, generator=None):
        return (distilled.w * distilled.y).sum(-1) / distilled.w.sum(-1)

    def objective(self, model, distilled):
        return (distilled.w * (distilled.y - model.unsqueeze(-1)) ** 2).sum(-1)

    def construct(self, budget):
        mean = self.fit(self.train).unsqueeze(-1)
        return Distilled(torch.zeros_like(self.train.x[:, :1]), mean, torch.ones_like(mean))

    def is_exact(self, budget):
        return budget >= 1


def test_a_task_of_ones_own_brings_its_exact_set():
    task = MeanOfLabels(random_data(0), 2)
    test_a_task_keeps_its_promise_of_an_exact_set(task)
    for method in METHODS:
        chosen = met(method, task, 2)
        assert chosen is None or (regret(task, task.fit(chosen)) >= -1e-9).all()


@dataclass(frozen=True)
class HeaviestRows(ClosedForm):
    """A method that is on no list: the rows with the longest x."""

    name: str = "heaviest rows"

    def choose(self, task, budget, generator):
        longest = task.train.x.flatten(2).norm(dim=-1).argsort(-1, descending=True)[:, :budget]
        pick = torch.arange(len(longest)).unsqueeze(-1), longest
        return Distilled(*(part[pick] for part in task.train))


@pytest.mark.parametrize("task", [*CLOSED, *SPLIT], ids=label)
def test_a_method_that_knows_nothing_of_tasks_runs_on_each(task):
    method = HeaviestRows()
    chosen = met(method, task, 4)
    state, info = method.update(task, method.init(task, 4, generator()), generator(1))
    assert all(torch.equal(a, b) for a, b in zip(chosen, state.distilled, strict=True))
    torch.testing.assert_close(info.surrogate, task.risk(task.fit(chosen, generator(1))).detach())


def test_a_method_that_becomes_public_is_run(monkeypatch):
    assert "heaviest rows" not in [method.name for method in public_methods()]
    monkeypatch.setattr(ddlib.methods, "HeaviestRows", HeaviestRows, raising=False)
    monkeypatch.setattr(ddlib.methods, "__all__", [*ddlib.methods.__all__, "HeaviestRows"])
    assert "heaviest rows" in [method.name for method in public_methods()]
    assert len(public_methods()) == len(METHODS) + 1
