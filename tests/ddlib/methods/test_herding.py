import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ddlib.methods import Herding
from ddlib.methods.joined import classes, joined
from ddlib.tasks import EmpiricalTask
from tests.ddlib.worlds import UNEVEN, class_data, is_row_of, random_data, reached, seeds


@given(seeds, st.integers(1, 20))
@settings(max_examples=20)
def test_each_row_is_the_best_next_one(seed, budget):
    """Against the definition, one candidate at a time."""
    data = random_data(seed)
    data = data._replace(w=1 + data.x[..., 0].abs().floor())
    chosen = reached(Herding(), data, budget)
    rows, w = joined(data)[0], data.w[0]
    mean = (w[:, None] * rows).sum(0) / w.sum()
    taken: list[int] = []
    for found in is_row_of(chosen, data)[0].int().argmax(-1).tolist():
        rest = [i for i in range(20) if i not in taken]
        assert found in rest
        distances = {i: (rows[[*taken, i]].mean(0) - mean).norm() for i in rest}
        assert distances[found] <= min(distances.values()) * (1 + 1e-9)
        taken.append(found)


@given(seeds)
@settings(max_examples=10)
def test_rows_are_real_rows_of_weight_one_without_repetition(seed):
    for data in (random_data(seed), class_data(seed, UNEVEN)):
        chosen = reached(Herding(), data._replace(w=3 * data.w), 12, 2)
        which = is_row_of(chosen, data)
        assert (which.sum(-1) == 1).all() and (which.sum(-2) <= 1).all() and (chosen.w == 1).all()


def test_nothing_is_random():
    data = random_data(0)
    first, second = reached(Herding(), data, 5, seed=0), reached(Herding(), data, 5, seed=1)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_one_row_per_class_is_the_nearest_to_its_mean():
    data = class_data(5, UNEVEN)
    chosen = reached(Herding(), data, 3)
    for label in range(3):
        rows = data.x[0, classes(data)[0] == label]
        torch.testing.assert_close(chosen.x[0, label], rows[(rows - rows.mean(0)).norm(dim=-1).argmin()])


def test_all_rows_have_the_mean_of_the_data():
    data = random_data(1)
    value = Herding().surrogate(EmpiricalTask(data), reached(Herding(), data, 20))
    torch.testing.assert_close(value, torch.zeros(1).double())


def test_equal_rows_are_not_taken_twice():
    data = random_data(2)
    same = data._replace(x=torch.ones_like(data.x), y=torch.arange(20.0, dtype=torch.float64)[None] // 10)
    assert reached(Herding(), same, 20).y.sum() == 10
