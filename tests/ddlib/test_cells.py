"""Values that differ are cells that differ, in the table and after it went through a file."""

import ast
import functools
import io
import math
import re
from array import array
from collections import deque
from datetime import date
from decimal import Decimal
from fractions import Fraction
from operator import itemgetter
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ddlib.learners import RBF
from ddlib.problem import Distilled
from ddlib.settings import checksum, settings
from tests.ddlib.worlds import class_data

pandas = pytest.importorskip("pandas")


def adding(value):
    return lambda x: x + value


def cached(value):
    return functools.lru_cache(lambda x: x + value)


def looped(value):
    def again(x):
        return again(x - value)

    return again


def early(value):
    def later(x):
        return x + unset

    if value:
        return later
    unset = 0
    return later


def of_module(kind, module):
    made = type("Same", (), {}) if kind is type else (lambda x: x)
    made.__module__ = module
    return made


def drawn(seed):
    draws = np.random.default_rng(3)
    draws.random(seed)
    return draws


COMPLEX = torch.tensor([1 + 2j, 3j])
DIFFERENT = {
    "functions by their code": [lambda x: x, lambda x: 2 * x, lambda x: 3 * x, lambda x: -x, lambda *x: x, lambda x: x.real],
    "functions by their defaults": [lambda x, a=a: a * x for a in (1, 2)] + [lambda x, *, a=a: a * x for a in (1, 2)],
    "functions by what is inside them": [lambda: lambda x: x in {"a", "b"}, lambda: lambda x: x in {"a", "c"}],
    "functions by what they wrap": [cached(1), cached(2), adding(1), adding(2), looped(1), looped(2)],
    "functions by their module": [of_module(0, "a"), of_module(0, "b")],
    "bound functions": [[1].index, [2].index, [1].count, "a".upper, str.upper, RBF(1.0).__repr__, RBF(2.0).__repr__],
    "partial functions": [functools.partial(max, 1), functools.partial(max, 2), functools.partial(max, 1, function=3), max],
    "classes by their module": [of_module(type, "a"), of_module(type, "b"), of_module(type, "a")(), of_module(type, "b")()],
    "functions with an empty cell": [early(True), early(False)],
    "fractions and decimals": [Fraction(1, 3), Fraction(2, 3), Decimal("0.1"), Decimal("0.10"), Decimal("0.2")],
    "dates": [date(2020, 1, 1), date(2020, 1, 2), np.datetime64("2020"), np.datetime64("2021"), np.datetime64("2021", "ns")],
    "getters": [slice(1), slice(2), itemgetter(1), itemgetter(2), range(2), range(3), (0, 1), [0, 1], {0, 1}],
    "patterns": [re.compile("a"), re.compile("b"), re.compile("a", re.I), re.compile("c" * 300), re.compile("c" * 300 + "d")],
    "generators": [drawn(0), drawn(1), np.random.default_rng(4), np.random.RandomState(3), np.random.RandomState(4)],
    "formats": [torch.channels_last, torch.contiguous_format, torch.strided, torch.float32, "torch.float32", "float32"],
    "tables": [pandas.DataFrame({"a": [1]}), pandas.DataFrame({"a": [2]}), pandas.DataFrame({"b": [1]}), pandas.Series([1])],
    "queues": [deque([1]), deque([2]), deque([1], 5), array("d", [1]), array("d", [2]), bytearray(b"a"), b"a"],
    "arrays of NumPy": [np.array(["a"]), np.array(["b"]), np.array([b"a"]), np.array([{}], object), np.array([{1}], object)],
    "arrays of dates": [np.array(["2020"], kind) for kind in ("M8[Y]", "M8[ns]", "m8[ns]", "U4")] + [np.array(["2021"], "M8[Y]")],
    "arrays by their step": [np.arange(3)[::-1], np.arange(3), np.arange(5)[::2], np.arange(3).astype(">i8")],
    "masked arrays": [np.ma.array([1, 2], mask=[0, 1]), np.ma.array([1, 2], mask=[1, 0]), np.array([1, 2])],
    "complex arrays": [COMPLEX, COMPLEX.conj(), COMPLEX.conj().imag, COMPLEX.imag],
    "sparse arrays": [torch.eye(2), torch.eye(2).to_sparse(), 2 * torch.eye(2).to_sparse()],
    "shapes": [torch.tensor(1.0), torch.tensor([1.0]), torch.tensor([[1.0]]), torch.tensor(1.0).double(), np.array(1.0), 1.0],
    "tuples of shapes": [(torch.tensor(1.0),), (torch.tensor([1.0]),), (torch.tensor(1.0).double(),), ()],
    "nothing": ["NA", "None", None, "none", "null", "nan", "n/a", "", math.nan, "not a number", "float(nan)", "(itself, 1 above)"],
    "numbers": [0.0, -0.0, "0", "0.0", "-0.0", "1.0", "1e5", "inf", math.inf, 2j, "2j", 2**60, str(2**60), 2**60 + 1, "1_0"],
    "words": ["true", "True", "TRUE", "'true'", True, "a", " a", "a ", "a\n", "'a'", '"a"', "α", b"a", "b'a'"],
    "names": [Path("a"), "a", PurePosixPath("a"), "PosixPath('a')", math, "math", "<module math>", dict, "dict", "builtins.dict"],
    "keys": [{1: 5.0}, {"1": 5.0}, {None: 5.0}, {"none": 5.0}, {"a": {"b": 5.0}}, {"a.b": 5.0}, {(1, 2): 5.0}, {"(1, 2)": 5.0}],
}


def through_a_file(found):
    """A row of settings after it was written and read, with an empty cell in each column."""
    text = pandas.DataFrame([found, {}]).to_csv(index=False)
    return pandas.read_csv(io.StringIO(text)).iloc[0].dropna().to_dict()


@pytest.mark.parametrize("values", DIFFERENT.values(), ids=DIFFERENT)
def test_things_that_differ_are_written_differently_also_in_a_file(values):
    rows = [settings(value, "x.a") for value in values]
    for row in (*rows, *map(through_a_file, rows)):
        assert all(isinstance(value, bool | int | float | str) and value != "" for value in row.values())
    for these in (rows, [through_a_file(row) for row in rows]):
        assert len({repr(sorted(row.items())) for row in these}) == len(values)
    for row in rows:
        assert set(through_a_file(row)) == set(row)


@pytest.mark.parametrize("values", DIFFERENT.values(), ids=DIFFERENT)
def test_things_are_written_the_same_when_they_are_read_twice(values):
    assert [settings(value, "x.a") for value in values] == [settings(value, "x.a") for value in values]


@given(st.text(max_size=12))
def test_every_text_comes_back_from_a_file_as_itself(text):
    cell = settings(text, "x.a")["x.a"]
    assert (ast.literal_eval(cell) if cell[:1] in "'\"" else cell) == text
    assert cell == text or not re.fullmatch("[A-Za-z]{5,}", text) or text.lower() in ("false", "infinity")


def test_a_checksum_of_no_array_is_refused():
    with pytest.raises(TypeError):
        checksum((torch.zeros(2), 3))


@given(st.integers(0, 10**6), st.integers(0, 2), st.integers(0, 2))
def test_a_checksum_changes_with_any_number_of_the_data(seed, part, place):
    data = class_data(0, (2, 2), d=2)
    one = Distilled(*(value.clone() for value in data))
    assert checksum(one) == checksum(data)
    one[part].view(-1)[place] += (1 + seed) * 1e-9
    assert checksum(one) != checksum(data)


def test_a_checksum_tells_shapes_types_and_places_apart():
    flat = torch.arange(6.0)
    same = [flat, flat.view(2, 3), flat.view(3, 2), flat.double(), (flat[:3], flat[3:]), (flat[3:], flat[:3])]
    assert len({checksum(value) for value in same}) == len(same)
    assert checksum(flat.expand(2, 6)) == checksum(flat.repeat(2, 1)) == checksum(flat.numpy()[None].repeat(2, 0))
