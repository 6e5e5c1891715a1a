from itertools import combinations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ddlib.methods import KCenter
from ddlib.methods.joined import joined
from ddlib.problem import Distilled
from ddlib.tasks import EmpiricalTask
from tests.ddlib.worlds import UNEVEN, class_data, is_row_of, random_data, reached, seeds


def radius(data: Distilled, chosen: Distilled) -> torch.Tensor:
    return KCenter().surrogate(EmpiricalTask(data), chosen)


@given(seeds, st.integers(1, 4), st.integers(4, 8))
@settings(max_examples=40)
def test_the_radius_is_at_most_twice_the_least(seed, budget, n):
    """Against every choice of rows."""
    data = random_data(seed, n)
    distances = torch.cdist(joined(data)[0], joined(data)[0])
    least = min(distances[:, list(pick)].amin(-1).max() for pick in combinations(range(n), budget))
    found = radius(data, reached(KCenter(), data, budget, seed=seed))
    assert least - 1e-9 <= found.item() <= 2 * least + 1e-9


@given(seeds)
@settings(max_examples=10)
def test_rows_are_real_rows_of_weight_one_without_repetition(seed):
    for data in (random_data(seed), class_data(seed, UNEVEN)):
        chosen = reached(KCenter(), data._replace(w=3 * data.w), 12, 2, seed)
        which = is_row_of(chosen, data)
        assert (which.sum(-1) == 1).all() and (which.sum(-2) <= 1).all() and (chosen.w == 1).all()


def test_replicates_and_seeds_begin_at_different_rows():
    data = random_data(0)
    first = [reached(KCenter(), data, 1, 30, seed).x[:, 0, 0] for seed in (0, 1)]
    assert len(set(first[0].tolist())) > 10
    assert not torch.equal(*first)


def test_each_group_gets_one_centre_with_the_groups_weight():
    x = torch.tensor([[0.0], [1.0], [100.0], [101.0], [200.0], [50.0]]).double()
    w = torch.tensor([[1.0, 3.0, 1.0, 1.0, 2.0, 0.0]]).double()
    chosen = reached(KCenter(weighted=True), Distilled(x[None], torch.zeros(1, 6).double(), w), 3, 20)
    order = chosen.x[..., 0].argsort(-1)
    torch.testing.assert_close(chosen.w.gather(-1, order), torch.tensor([4.0, 2.0, 2.0]).double().expand(20, -1))
    assert (radius(Distilled(x[None], torch.zeros(1, 6).double(), w), chosen) == 1).all()


def test_weights_add_up_to_those_of_each_class():
    data = class_data(1, UNEVEN)
    data = data._replace(w=data.w + data.x[..., 0].abs())
    chosen = reached(KCenter(weighted=True), data, 8, 3)
    total = (data.w[..., None] * (data.y > 0)).sum(1)
    torch.testing.assert_close((chosen.w[..., None] * (chosen.y > 0)).sum(1), total.expand(3, -1))


def test_equal_rows_are_not_taken_twice():
    data = random_data(2)
    same = data._replace(x=torch.ones_like(data.x), y=torch.arange(20.0, dtype=torch.float64)[None] // 10)
    assert reached(KCenter(), same, 20).y.sum() == 10
    assert reached(KCenter(weighted=True), same, 20).w.sum() == 20
