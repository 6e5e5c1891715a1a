"""Tasks, learners and methods of one's own that are not quite what they must be: one sentence says what to write."""

import ast
from dataclasses import replace
from typing import NamedTuple

import pytest
import torch

from ddlib.learners import KernelRidge, Network, TrainedNetwork, Training
from ddlib.methods import DerivativeFree, FirstOrder, Implicit, RandomRows, Unrolled, ZerothOrder
from ddlib.methods.composed import Composed, Outcome
from ddlib.methods.descent import Descent
from ddlib.methods.pooled import Pooled
from ddlib.pinn import PROBLEMS, Problem
from ddlib.problem import ClosedForm, Distilled, Info, distil, regret
from ddlib.reached import state_of
from ddlib.tasks import ClassificationTask, EmpiricalTask, RidgeTask, Splits
from ddlib.tasks.supervised import SupervisedTask
from tests import ROOT
from tests.ddlib.pinn.world import tiny
from tests.ddlib.products import METHODS, refusal
from tests.ddlib.sentences import refuses
from tests.ddlib.worlds import class_data, generator, random_data

TASK = RidgeTask(random_data(0), 2)
PARTS = Splits(*(class_data(seed, replicates=2) for seed in range(3)))


class Means(EmpiricalTask):
    """The mean of the units, by the sum of squares; ``over`` are the axes that the sum is over."""

    over: tuple[int, ...] = (-2, -1)

    def fit(self, distilled, generator=None):
        return distilled.x.mean(-2)

    def objective(self, model, distilled):
        return (distilled.x - model.unsqueeze(-2)).square().sum(self.over)


class OverReplicates(Means):
    over = (-3, -2, -1)


class OfEachUnit(Means):
    over = (-1,)


LOSSES = [FirstOrder(), Unrolled(training=Training(2, 0.1)), Implicit(), Pooled(pool=2, models=1, window=1, life=2), ZerothOrder()]
LOSSES += [ZerothOrder(one_batch=False), DerivativeFree(2), DerivativeFree(2, one_batch=False), RandomRows()]


@pytest.mark.parametrize("kind", [OverReplicates, OfEachUnit])
@pytest.mark.parametrize("method", LOSSES, ids=lambda method: f"{method.name}-{getattr(method, 'one_batch', '')}")
def test_a_risk_or_an_objective_is_one_number_for_each_replicate(method, kind):
    refuses(
        lambda: distil(method, kind(random_data(0), 2), 3, 2, generator()),
        r"(risk of|objective of|objective that).*one number for each replicate, shape \(.*2,?\).*\.sum\(-1\)",
    )
    assert distil(method, Means(random_data(0), 2), 3, 2, generator()).distilled.replicates == 2


def test_a_regret_is_one_number_for_each_replicate():
    task = OverReplicates(random_data(0), 2)
    refuses(lambda: regret(task, task.reference), r"the risk of task must be one number for each replicate, shape \(2,\)")


def learner(**methods):
    own = {"name": "mine", "fit": lambda self, data, generator=None: data.y.mean(-2), "predict": lambda self, model, x: x}
    return type("Mine", (), own | methods)()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"fit": lambda self, data: data}, r"fit of .*mine takes \(data\).*write def fit\(self, data, generator=None\)"),
        ({"fit": lambda self, x, y, w: x}, r"fit of .*mine takes \(x, y, w\).*write def fit\(self, data, generator=None\)"),
        ({"fit": lambda self, data, generator: data}, r"fit of .*mine takes \(data, generator\).*generator=None"),
        ({"predict": lambda self, x: x}, r"predict of .*mine takes \(x\).*write def predict\(self, model, x\)"),
    ],
)
def test_a_learner_takes_what_the_library_hands_it(wrong, sentence):
    refuses(lambda: ClassificationTask(PARTS, learner(**wrong)), sentence)
    refuses(lambda: tiny(PROBLEMS["Poisson"], learner=learner(**wrong)), sentence)
    assert ClassificationTask(PARTS, learner()).reference.shape == (2, 3)


def test_what_is_no_method_is_none():
    sentence = r"fit of .*mine is a NoneType: write def fit\(self, data, generator=None\)"
    refuses(lambda: ClassificationTask(PARTS, learner(fit=None)), sentence)


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"fit": lambda self, distilled: 0}, r"fit of the task takes \(distilled\).*def fit\(self, distilled, generator=None\)"),
        ({"risk": lambda self, model: 0}, r"risk of the task.*def risk\(self, model, split='train'\)"),
        ({"start": lambda self, budget: 0}, r"start of the task.*def start\(self, budget, generator\)"),
        ({"blocks": lambda self: 0}, r"blocks of the task.*def blocks\(self, distilled\)"),
    ],
)
def test_a_task_takes_what_the_library_hands_it(form, sentence):
    task = type("Mine", (RidgeTask,), form)(random_data(0))
    refuses(lambda: distil(FirstOrder(), task, 2, 1, generator()), sentence)


class State(NamedTuple):
    distilled: Distilled


class Mine:
    """A method of one's own that works; a test spoils one part of it."""

    name = "mine"

    def init(self, task, budget, generator):
        return State(task.start(budget, generator))

    def update(self, task, state, generator):
        return state, Info(task.risk(task.fit(state.distilled)))


def only(distilled, rows=slice(None), units=slice(None)):
    return Distilled(*(part[rows, units] for part in distilled))


BROKEN = {
    "one replicate of two": (
        "init",
        lambda start: State(only(start, slice(1))),
        "mine gave a set of 1 replicates, but the task has 2",
    ),
    "no replicates": ("init", lambda start: State(only(start, 0)), r"mine gave weights of shape \(3,\)"),
    "other weights": ("init", lambda start: State(start._replace(w=start.w[:, :2])), r"parts do not fit together, x \(2, 3, 3\)"),
    "a set": ("init", lambda start: start, "init of mine must return a state"),
    "nothing": ("init", lambda start: None, "init of mine must return a state.*NoneType"),
    "a tensor": ("init", lambda start: State(start.x), "mine must give a Distilled set.*Tensor"),
    "a state alone": ("update", lambda start: State(start), "update of mine must return a state and an Info.*State"),
    "no info": ("update", lambda start: (State(start), 1.0), "update of mine must return a state and an Info"),
    "a number": ("update", lambda start: (State(start), Info(1.0)), "surrogate of mine.*float"),
    "one number for all": (
        "update",
        lambda start: (State(start), Info(start.w.sum())),
        r"surrogate of mine.*shape \(2,\), but is of \(\)",
    ),
    "later one replicate": (
        "update",
        lambda start: (State(only(start, slice(1))), Info(start.w.sum(-1))),
        "mine gave a set of 1 replicates",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_method_hands_out_what_fits_the_task(what):
    where, made, sentence = BROKEN[what]
    method = type("Broken", (Mine,), {where: lambda self, task, *words: made(TASK.start(3, generator()))})()
    refuses(lambda: distil(method, TASK, 3, 1, generator()), sentence)
    assert len(distil(Mine(), TASK, 3, 1, generator()).history) == 1


def test_a_method_takes_what_the_library_hands_it():
    for form in ({"init": lambda self, task: 0}, {"update": lambda self, state: 0}):
        method = type("Short", (Mine,), form)()
        (name,) = form
        refuses(
            lambda method=method: distil(method, TASK, 3, 1, generator()),
            rf"{name} of the method takes .*write def {name}\(self, task",
        )


ABLE = [method for method in METHODS if refusal(method, TASK, 3) is None]
STATES = {method.name: method.init(TASK, 3, generator()) for method in ABLE}


@pytest.mark.parametrize("method", ABLE, ids=lambda method: method.name)
def test_a_run_goes_on_from_a_state_of_its_own_method_alone(method):
    assert len(ABLE) > 10 and state_of(STATES[method.name], method, TASK, 3) is STATES[method.name]
    for other in ABLE:
        if other.name != method.name:
            refuses(
                lambda other=other: distil(method, TASK, 3, 1, generator(), state=STATES[other.name]),
                rf"the state is one of .*, which {type(method).__name__} cannot go on from.*begin=Given\(run\.distilled\)",
            )


def test_a_state_of_other_replicates_units_or_learned_parts_is_refused():
    state = STATES["first_order"]
    refuses(lambda: distil(FirstOrder(learn=("x", "y")), TASK, 3, 1, generator(), state=state), r"write learn=\('x',\)")
    refuses(lambda: distil(FirstOrder(), replace(TASK, replicates=3), 3, 1, generator(), state=state), "the task has 3")
    wide = RidgeTask(random_data(0, d=5), 2)
    refuses(lambda: distil(FirstOrder(), wide, 3, 1, generator(), state=state), r"units of shape \(3,\).*units of shape \(5,\)")


NETWORK = TrainedNetwork(Network((4,)), Training(1))
BASES = {
    "choose": lambda: type("Mine", (ClosedForm,), {"name": "mine"})().init(TASK, 2, generator()),
    "run": lambda: type("Mine", (Composed,), {"name": "mine"})().init(TASK, 2, generator()),
    "surrogate": lambda: distil(Descent(), TASK, 2, 1, generator()),
    "fit": lambda: EmpiricalTask(random_data(0)).fit(random_data(0)),
    "objective": lambda: EmpiricalTask(random_data(0)).objective(0, random_data(0)),
    "risk": lambda: SupervisedTask(PARTS, KernelRidge()).risk(0),
    "ends": lambda: Problem.ends(PROBLEMS["Poisson"], torch.ones(1)),
}


@pytest.mark.parametrize("name", BASES)
def test_what_a_subclass_was_to_give_is_named(name):
    refuses(BASES[name], rf"has no {name}\(.*\), which each class of its kind gives: write it")


def wordless(code):
    """The lines that raise an error without a word, but for those that catch it themselves."""
    tree = ast.parse(code)
    caught = {id(node) for outer in ast.walk(tree) if isinstance(outer, ast.Try) for part in outer.body for node in ast.walk(part)}
    errors = [(node.lineno, node.exc) for node in ast.walk(tree) if isinstance(node, ast.Raise) and id(node) not in caught]
    kinds = [(line, error.func if isinstance(error, ast.Call) and not error.args else error) for line, error in errors]
    return [line for line, kind in kinds if isinstance(kind, ast.Name) and kind.id.endswith("Error")]


def test_no_error_of_the_library_has_nothing_to_say():
    assert (
        wordless("raise NotImplementedError") == wordless("raise ValueError()") == [1] and wordless("raise ValueError('x')") == []
    )
    found = {str(path): wordless(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "ddlib").rglob("*.py"))}
    assert len(found) > 100 and {path: lines for path, lines in found.items() if lines} == {}


class Rows(Composed):
    """A method of whole runs."""

    name = "rows"

    def run(self, task, budget, generator):
        return Outcome(task.start(budget, generator), None)


class OtherRows(Rows):
    """Another one, whose states look alike."""


def test_a_state_of_whole_runs_is_known_by_its_method_and_one_without_a_mark_by_its_type():
    state = Rows().init(TASK, 3, generator())
    assert state_of(state, Rows(), TASK, 3) is state
    refuses(lambda: state_of(state, OtherRows(), TASK, 3), "is one of Rows .*which OtherRows cannot go on from")
    refuses(lambda: state_of(state._replace(method=""), FirstOrder(), TASK, 3), "is one of another method")
