"""The skeleton: SciPy's tests and the definition by every set of variables as oracles, and what every result has to satisfy."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ddlib.dbn.estimators.skeleton import critical_squares, hiton_pc
from tests.ddlib.dbn.estimators.searches import by_hand, covariances, drawn, every, sets
from tests.ddlib.dbn.world import generator


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    variables=st.integers(2, 7),
    number=st.sampled_from([5, 7, 12, 40, 300]),
    level=st.sampled_from([0.01, 0.05, 0.3]),
    most=st.sampled_from([0, 1, 2, 99]),
)
def test_it_finds_what_one_test_after_the_other_does(seed, variables, number, level, most):
    x = drawn(seed, 2, number, variables)
    pairs = torch.rand(2, variables, variables, generator=generator(seed)) < 0.8
    pairs = pairs & pairs.mT & every(2, variables)
    found = hiton_pc(*covariances(x), pairs, level, None if most == 99 else most)
    for r in range(2):
        assert (found[r].numpy() == by_hand(x[r].numpy(), pairs[r].numpy(), level, most)).all()


@pytest.mark.parametrize("number", [4, 10, 200])
@pytest.mark.parametrize("level", [0.01, 0.05])
def test_a_correlation_is_critical_where_scipys_p_value_is_the_level(number, level):
    square = critical_squares(torch.tensor([number], dtype=torch.float64), level, 3)
    assert square.shape == (1, 3)
    for size, value in enumerate(square[0].tolist()):
        half = (number - size) / 2 - 1  # pearsonr's law of a correlation without dependence
        beyond = 2 * stats.beta(half, half, loc=-1, scale=2).cdf(-math.sqrt(value)) if half > 0 else level
        assert (value > 1) == (half <= 0) and beyond == pytest.approx(level, rel=1e-9)


def separated_by_no_set(covariance, i, j):
    """The definition: dependent given every set of the other variables."""
    others = [k for k in range(len(covariance)) if k not in (i, j)]
    for some in sets(others, len(others)):
        precision = np.linalg.inv(covariance[np.ix_([i, j, *some], [i, j, *some])])
        if abs(precision[0, 1]) < 1e-9 * math.sqrt(precision[0, 0] * precision[1, 1]):
            return False
    return True


def test_with_many_rows_it_is_the_skeleton_by_definition_and_of_the_graph():
    """On the exact law of random graphs of five variables, with more rows than any data set has."""
    draw = generator(3)
    edges = torch.rand(20, 5, 5, generator=draw).tril(-1) > 0.5
    edges &= torch.ones(5, 5, dtype=torch.bool).tril(-1)
    weights = edges * (0.6 + 0.4 * torch.rand(20, 5, 5, dtype=torch.float64, generator=draw))
    total = torch.linalg.inv(torch.eye(5, dtype=torch.float64) - weights)
    covariance = total @ total.mT
    found = hiton_pc(covariance, torch.full((20,), 1e12, dtype=torch.float64), every(20, 5), 1e-6)
    assert torch.equal(found, edges | edges.mT)
    for r, (i, j) in itertools.product(range(20), itertools.combinations(range(5), 2)):
        assert bool(found[r, i, j]) == separated_by_no_set(covariance[r].numpy(), i, j)


@pytest.mark.parametrize("number", [12, 60])
def test_a_batch_gives_what_single_searches_give_and_rows_units_and_signs_do_not_matter(number):
    x = drawn(number, 6, number, 9)
    covariance, rows = covariances(x)
    rows = rows + torch.arange(6)
    together = hiton_pc(covariance, rows, every(6, 9))
    assert torch.equal(together, together.mT) and 0 < int(together.sum()) < int(every(6, 9).sum())
    for r in range(6):
        assert torch.equal(together[r], hiton_pc(covariance[r : r + 1], rows[r : r + 1], every(1, 9))[0])
    scale = torch.tensor([1e-3, 1.0, -1e4, 2.0, 1e-6, 5.0, -1.0, 1.0, 1.0], dtype=torch.float64)
    order = torch.randperm(number, generator=generator())
    assert torch.equal(together, hiton_pc(covariances(x[:, order] * scale + 7)[0], rows, every(6, 9)))


def test_a_copy_of_a_variable_hides_nothing_and_is_not_infinite():
    """Given its copy, a variable is determined: the two are each other's only neighbours, and nothing is not-a-number."""
    x = drawn(1, 3, 50, 5)
    x[..., 4] = 2 * x[..., 3]
    found = hiton_pc(*covariances(x), every(3, 5))
    assert found[:, 3, 4].all() and not found[:, 3:, :3].any()


def test_pairs_that_may_not_be_neighbours_are_not_even_conditioned_on():
    chain = torch.tensor([[[1.0, 0.8, 0.64], [0.8, 1.0, 0.8], [0.64, 0.8, 1.0]]], dtype=torch.float64)
    rows, pairs = torch.tensor([100.0]), every(1, 3)
    pairs[0, 0, 1] = pairs[0, 2, 1] = False  # one side is enough
    assert hiton_pc(chain, rows, pairs)[0].nonzero().tolist() == [[0, 2], [2, 0]]


@pytest.mark.parametrize("numbers", [1, 2**9])
def test_it_does_not_matter_in_how_many_parts_it_is_computed(numbers, monkeypatch):
    x = drawn(5, 4, 200, 8)
    expected = hiton_pc(*covariances(x), every(4, 8))
    monkeypatch.setattr("ddlib.dbn.estimators.skeleton._NUMBERS", numbers)
    assert torch.equal(expected, hiton_pc(*covariances(x), every(4, 8)))


def test_more_sets_than_can_be_tested_are_refused_and_smaller_ones_taken():
    """A hub of 24 independent causes: each of these is a neighbour of the hub whatever is given."""
    total = torch.eye(25, dtype=torch.float64)
    total[0, 1:] = 1.0
    covariance, rows = (total @ total.mT).unsqueeze(0), torch.tensor([1e5])
    with pytest.raises(ValueError, match="lower the largest set"):
        hiton_pc(covariance, rows, every(1, 25))
    assert hiton_pc(covariance, rows, every(1, 25), largest_set=2)[0, 0, 1:].all()


@pytest.mark.parametrize(
    ("covariance", "words", "message"),
    [
        (torch.zeros(1, 2, 2), {}, "a variance is zero"),
        (torch.full((1, 2, 2), math.nan), {}, "not a finite number"),
        (torch.eye(2).unsqueeze(0), {"significance": 1.0}, "between 0 and 1, but it is 1.0"),
        (torch.eye(2).unsqueeze(0), {"largest_set": -1}, "0 variables or more"),
    ],
)
def test_clear_errors(covariance, words, message):
    with pytest.raises(ValueError, match=message):
        hiton_pc(covariance, torch.tensor([50.0]), every(1, 2), **words)
