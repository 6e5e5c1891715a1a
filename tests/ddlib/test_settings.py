"""Every field of every method and learner is a column, and one other setting is one other column."""

import dataclasses
import inspect
import math
import os
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import ddlib.learners
import ddlib.methods
import ddlib.tasks
from ddlib.learners import NTK, RBF, KernelRidge, Network, Training
from ddlib.methods import FirstOrder, Herding, KernelInducing, KMeans, RandomRows, TrajectoryMatching
from ddlib.settings import is_setting, settings, settings_last
from tests.ddlib.worlds import closed_form_tasks, generator, random_data, split_tasks


def public(room):
    """One of each dataclass of a room, with its defaults."""
    named = (getattr(room, name) for name in room.__all__)
    kinds = [value for value in named if inspect.isclass(value) and dataclasses.is_dataclass(value)]
    return [kind() for kind in kinds if not any(required(field) for field in dataclasses.fields(kind))]


def required(field):
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


THINGS = [
    *public(ddlib.methods),
    *public(ddlib.learners),
    *(dataclasses.replace(method, begin=KMeans()) for method in public(ddlib.methods) if hasattr(method, "begin")),
    KernelRidge(NTK(2), 0.1),
    RBF(0.5),
    *closed_form_tasks(random_data(0)),
    *split_tasks(0),
]


def kind(value):
    return type(value).__name__


@pytest.mark.parametrize("thing", THINGS, ids=kind)
def test_every_field_is_a_column_of_plain_values_that_is_never_empty(thing):
    found = settings(thing, "thing")
    assert found["thing.type"] == f"{type(thing).__module__}.{kind(thing)}"
    for field in dataclasses.fields(thing):
        name = f"thing.{field.name}"
        assert name in found or f"{name}.type" in found
    assert all(isinstance(value, bool | int | float | str) and value != "" and value == value for value in found.values())
    assert all(map(is_setting, found))


def inside(thing, prefix):
    """Every plain number and text that can be reached over fields, by its column."""
    for field in dataclasses.fields(thing):
        value, name = getattr(thing, field.name), f"{prefix}.{field.name}"
        if dataclasses.is_dataclass(value):
            yield from inside(value, name)
        elif isinstance(value, bool | int | float | str):
            yield name, value


@pytest.mark.parametrize("thing", THINGS, ids=kind)
def test_numbers_and_texts_stand_under_the_way_to_them_as_they_are(thing):
    found = settings(thing, "thing")
    assert {name: found[name] for name, _ in inside(thing, "thing")} == dict(inside(thing, "thing"))


def different(one, two):
    ours, theirs = settings(one, "x"), settings(two, "x")
    return {column for column in {*ours, *theirs} if ours.get(column) != theirs.get(column)}


positive = st.floats(1e-6, 1e3)
CHANGES = {
    "lr": positive,
    "horizon": st.integers(1, 10**6),
    "final": st.floats(0, 1),
    "optimiser": st.sampled_from(["adam", "descent"]),
    "schedule": st.sampled_from(["cosine", "constant"]),
    "keep": st.sampled_from(["best", "last"]),
    "learn": st.lists(st.sampled_from(["x", "y", "w"]), min_size=1, unique=True).map(tuple),
    "betas": st.tuples(st.floats(0, 0.99), st.floats(0, 0.999)),
    "epsilon": positive,
    "name": st.text(min_size=1, max_size=8),
}
DESCENTS = [method for method in public(ddlib.methods) if set(CHANGES) <= {field.name for field in dataclasses.fields(method)}]


@given(st.sampled_from(DESCENTS), st.sampled_from(sorted(CHANGES)), st.data())
def test_methods_that_differ_in_one_field_differ_in_exactly_that_column(method, field, data):
    value = data.draw(CHANGES[field])
    changed = dataclasses.replace(method, **{field: value})
    assert different(method, changed) == ({f"x.{field}"} if getattr(method, field) != value else set())


@pytest.mark.parametrize(
    ("one", "two", "columns"),
    [
        (FirstOrder(begin=KMeans()), FirstOrder(begin=KMeans(restarts=9)), {"x.begin.restarts"}),
        (FirstOrder(begin=Herding()), FirstOrder(begin=RandomRows()), {"x.begin.type", "x.begin.name"}),
        (FirstOrder(), FirstOrder(begin=RandomRows()), {"x.begin", "x.begin.type", "x.begin.name"}),
        (KernelInducing(learner=KernelRidge(RBF(1.0))), KernelInducing(learner=KernelRidge(RBF(2.0))), {"x.learner.kernel.length"}),
        (
            TrajectoryMatching(expert=Training(30, 0.5, "sgd")),
            TrajectoryMatching(expert=Training(31, 0.5, "sgd")),
            {"x.expert.steps"},
        ),
        (Network((4,)), Network((4, 4)), {"x.widths"}),
    ],
    ids=["begin", "kind of begin", "no begin", "kernel", "expert", "widths"],
)
def test_what_differs_inside_is_named_by_the_way_to_it(one, two, columns):
    assert different(one, two) == columns


def test_the_same_seed_may_stand_at_another_place_of_its_stream():
    fresh, used = generator(3), generator(3)
    torch.rand(1, generator=used)
    one, two = (settings(draws, "draws")["draws"] for draws in (fresh, used))
    assert one != two and one.startswith("seed 3 ") and two.startswith("seed 3 ")


class Plainly:
    """No dataclass: what it holds are its settings."""

    def __init__(self, rate, held=None):
        self.rate, self._held, self.call = rate, held, self.answer

    def answer(self):
        return self.rate


class Slots:
    __slots__ = ("rate",)

    def __init__(self, rate):
        self.rate = rate


def noted(thing, note):
    """With an attribute that is no field."""
    object.__setattr__(thing, "note", note)
    return thing


def adding(value):
    return lambda x: x + value


@pytest.mark.parametrize(
    ("one", "two", "columns"),
    [
        (Plainly(1), Plainly(2), {"x.rate"}),
        (Plainly(1, torch.zeros(2)), Plainly(1, torch.ones(2)), {"x._held"}),
        ({"a": adding(1)}, {"a": adding(2)}, {"x.a"}),
        ({"a": adding(torch.zeros(2))}, {"a": adding(torch.zeros(2))}, set()),
        ({"a": [KMeans(), KMeans()]}, {"a": [KMeans(), KMeans(restarts=7)]}, {"x.a.1.restarts"}),
        ({"a": torch.float32}, {"a": torch.float64}, {"x.a"}),
        ({"a": None}, {"a": math.nan}, {"x.a"}),
        ({"a": 2**60}, {"a": 2**60 + 1}, {"x.a"}),
        ({"a": ""}, {"a": "none"}, {"x.a"}),
        ({"a": torch.relu}, {"a": torch.tanh}, {"x.a"}),
        ({"a": ()}, {"a": (0,)}, {"x.a"}),
        ({"a": np.float64(1)}, {"a": 1.0}, set()),
        ({"a": (np.float64(1), np.int64(2), np.str_("b"))}, {"a": (1.0, 2, "b")}, set()),
        ({"a": {"b", "c"}}, {"a": frozenset({"c", "b"})}, set()),
        ({"a": Slots(1)}, {"a": Slots(2)}, {"x.a.rate"}),
        ({"a": noted(RBF(1.0), "one")}, {"a": noted(RBF(1.0), "two")}, {"x.a.note"}),
        ({"a": max, "b": 0}, {"a": max, "b": 0}, set()),
    ],
)
def test_other_things_than_dataclasses_are_not_lost(one, two, columns):
    found = different(one, two)
    assert found == columns
    assert all(isinstance(value, bool | int | float | str) and value != "" for value in settings(one, "x").values())


def test_settings_are_the_same_in_another_run():
    code = (
        "import re, fractions, ddlib.settings as s; f = lambda x, a={'b', 'c'}: x in {'one', 'two'} or a; "
        "print(s.settings({'f': f, 'g': fractions.Fraction(1, 3), 'h': re.compile('a'), 'i': [{f, len}], 'j': {'x', 'y'}}, 'x'))"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in "123"
    }
    assert len(runs) == 1 and b"Fraction" in runs.pop()


LOCK = threading.Lock()


def function(source):
    names = {}
    exec(source, names)
    return names["area"]


@pytest.mark.parametrize("inner", ["", "    def inner():\n        DOC\n        return 2\n"])
def test_a_docstring_is_no_setting(inner):
    one, other, another = (
        settings(function(f"def area(r):\n    {doc!r}\n{inner.replace('DOC', repr(doc))}    return 'cm', {times} * r"), "f")
        for doc, times in (("Of a disc.", 3), ("Of a disk.", 3), ("Of a disc.", 4))
    )
    assert one == other != another


def test_the_first_text_in_a_function_that_has_no_docstring_is_a_setting():
    one, other = (settings(function(f"def area(r):\n    return {unit!r}, r"), "f") for unit in ("cm", "mm"))
    assert one != other


@pytest.mark.parametrize("value", ["lambda: 'cm'", "lambda: [1 for _ in '_']"])
def test_what_a_lambda_gives_is_a_setting(value):
    assert settings(eval(value), "f") != settings(eval(value.replace("cm", "mm").replace("1", "2")), "f")


@pytest.mark.parametrize("value", [LOCK, (i for i in range(3)), [1, LOCK], lambda a=LOCK: a])
def test_what_cannot_be_read_is_refused_by_its_column(value):
    with pytest.raises(TypeError, match=r"x\.held"):
        settings({"held": value}, "x")


def test_the_class_of_an_object_and_what_it_calls_type_are_two_columns():
    one, two = dataclasses.make_dataclass("Typed", ["type"]), dataclasses.make_dataclass("Other", ["type"])
    assert different(one(1), two(1)) == {"x.type"}
    assert different(one(1), one(2)) == {"x.'type'"}
    assert len(settings({1: 5.0, "1": 3, "type": 0, "'type'": 1}, "x")) == 5


def test_an_object_that_holds_itself_is_told_from_one_that_holds_another():
    one, two = Plainly(1), Plainly(1)
    one.held, two.held = one, Plainly(1)
    two.held.held = two
    assert different(one, two) and different(one, one) == set()


def test_columns_of_settings_are_brought_to_the_right_end():
    table = settings_last(pytest.importorskip("pandas").DataFrame({"b": [1], "x.lr": [2], "a": [3], "x.begin": ["none"]}))
    assert list(table.columns) == ["b", "a", "x.lr", "x.begin"]
