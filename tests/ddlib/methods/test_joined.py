import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ddlib.closed_forms import label_scale
from ddlib.methods import Herding, KCenter, KMeans, TruncatedSVD
from ddlib.methods.joined import classes, joined, parted, shares
from ddlib.problem import Distilled, distil
from ddlib.tasks import EmpiricalTask, RidgeTask
from tests.ddlib.worlds import UNEVEN, any_set, class_data, generator, random_data, reached, seeds

SURROGATES = [Herding(), KCenter(), KMeans(), TruncatedSVD()]
WITHIN_CLASSES = [Herding(), KCenter(), KCenter(weighted=True), KMeans()]


@given(st.integers(0, 50), st.integers(1, 12))
def test_shares_add_up_and_differ_by_one_at_most(budget, count):
    split = shares(budget, count)
    assert sum(split) == budget and len(split) == count
    assert split == sorted(split, reverse=True) and split[0] - split[-1] <= 1


def test_scalar_labels_become_one_column_of_unit_deviation():
    data = random_data(0)
    rows = joined(data)
    assert rows.shape == (1, 20, 4) and classes(data) is None
    torch.testing.assert_close(rows[..., -1].std(-1, correction=0), torch.ones(1).double())


def test_class_labels_become_columns_of_one_common_scale():
    data = class_data(0, UNEVEN)
    rows = joined(data)
    assert rows.shape == (1, 20, 6)
    assert classes(data)[0].bincount().tolist() == [5, 9, 6]
    torch.testing.assert_close(rows[..., 3:].var(1, correction=0).mean(-1), torch.ones(1).double())
    torch.testing.assert_close(rows[..., 3:] * label_scale(data).unsqueeze(-1), data.y)


@pytest.mark.parametrize("data", [random_data(1), class_data(1, UNEVEN)], ids=["scalar", "classes"])
def test_a_weight_counts_as_so_many_rows(data):
    w = torch.randint(0, 4, data.w.shape, generator=generator())
    times = w[0]
    many = Distilled(*(part.repeat_interleave(times, 1) for part in data))
    torch.testing.assert_close(label_scale(data._replace(w=w.double())), label_scale(many))


def test_images_and_sets_without_labels_are_joined_and_parted_again():
    draw = generator()
    x = torch.randn(2, 7, 1, 4, 5, generator=draw, dtype=torch.float64)
    for y in (
        torch.randn(2, 7, 0).double(),
        torch.randn(2, 7, generator=draw, dtype=torch.float64),
        class_data(0, UNEVEN).y[:, :7].expand(2, -1, -1),
    ):
        data = Distilled(x, y, torch.ones(2, 7).double())
        rows = joined(data)
        assert rows.shape == (2, 7, 20 + (1 if y.ndim == 2 else y.shape[-1]))
        torch.testing.assert_close(parted(rows, data), (x, y))
        for method in WITHIN_CLASSES:
            chosen = reached(method, data, 2, 2)
            assert chosen.x.shape == (2, 2, 1, 4, 5) and chosen.y.shape == (2, 2, *y.shape[2:])


@pytest.mark.parametrize("method", WITHIN_CLASSES, ids=str)
@given(seeds, st.integers(1, 13))
@settings(max_examples=8)
def test_every_class_has_its_share(method, seed, budget):
    chosen = reached(method, class_data(seed, UNEVEN), budget, 2, seed)
    assert chosen.x.shape == (2, budget, 3) and chosen.y.shape == (2, budget, 3) and chosen.w.shape == (2, budget)
    for group in classes(chosen):
        assert group.bincount(minlength=3).tolist() == shares(budget, 3)


@pytest.mark.parametrize("method", WITHIN_CLASSES, ids=str)
def test_labels_keep_their_class_exactly(method):
    data = class_data(2, UNEVEN)
    chosen = reached(method, data, 7)
    allowed = torch.eye(3, dtype=torch.float64) - 1 / 3
    assert torch.equal(chosen.y, allowed[classes(chosen)])


@pytest.mark.parametrize("method", WITHIN_CLASSES, ids=str)
def test_a_class_with_too_few_rows_is_named(method):
    with pytest.raises(ValueError, match=r"cannot make 3 \w+ from 2 rows in class 1"):
        reached(method, class_data(0, (5, 2, 6)), 8)
    data = class_data(0, (5, 4, 6))
    gone = data._replace(w=data.w * ~((classes(data) == 1) & ((classes(data) == 1).cumsum(-1) > 2)))
    with pytest.raises(ValueError, match=r"cannot make 3 \w+ from 2 rows in class 1"):
        reached(method, gone, 8)


@pytest.mark.parametrize("method", WITHIN_CLASSES, ids=str)
def test_more_points_than_rows_that_count_are_refused(method):
    data = random_data(0)
    with pytest.raises(ValueError, match=r"cannot make 6 \w+ from 5 rows"):
        reached(method, data._replace(w=(data.w.cumsum(-1) <= 5).double()), 6)


@pytest.mark.parametrize("method", [*WITHIN_CLASSES, TruncatedSVD()], ids=str)
@pytest.mark.parametrize("data", [random_data(3), class_data(3, UNEVEN)], ids=["scalar", "classes"])
def test_the_unit_of_y_does_not_matter(method, data):
    chosen, scaled = reached(method, data, 4), reached(method, data._replace(y=1024 * data.y), 4)
    torch.testing.assert_close(scaled, chosen._replace(y=1024 * chosen.y))


@pytest.mark.parametrize("method", [*WITHIN_CLASSES, TruncatedSVD()], ids=str)
def test_the_same_seed_gives_bitwise_the_same_set_of_class_labels(method):
    first, second = reached(method, class_data(4, UNEVEN), 6, 2), reached(method, class_data(4, UNEVEN), 6, 2)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("method", SURROGATES, ids=lambda method: method.name)
@pytest.mark.parametrize("data", [random_data(3), class_data(3, UNEVEN)], ids=["scalar", "classes"])
class TestSurrogate:
    def test_is_zero_for_the_data_themselves(self, method, data):
        task = EmpiricalTask(data)
        torch.testing.assert_close(method.surrogate(task, task.train), torch.zeros(1).double())

    def test_is_positive_for_another_set_and_does_not_depend_on_the_unit_of_y(self, method, data):
        other = any_set(data, 4, 0)
        value = method.surrogate(EmpiricalTask(data), other)
        assert (value > 0).all()
        rescaled = method.surrogate(EmpiricalTask(data._replace(y=1000 * data.y)), other._replace(y=1000 * other.y))
        torch.testing.assert_close(rescaled, value)

    def test_has_the_gradient_of_its_values(self, method, data):
        task = EmpiricalTask(data)
        parts = [part.requires_grad_() for part in any_set(data, 4, 1)]
        assert torch.autograd.gradcheck(lambda *parts: method.surrogate(task, Distilled(*parts)), parts)

    def test_judges_many_sets_at_once_as_one_by_one(self, method, data):
        many = any_set(data, 4, 2, replicates=5)
        each = torch.cat([method.surrogate(EmpiricalTask(data), Distilled(*(part[i : i + 1] for part in many))) for i in range(5)])
        torch.testing.assert_close(method.surrogate(EmpiricalTask(data), many), each)
        torch.testing.assert_close(method.surrogate(EmpiricalTask(data, 5), many), each)

    def test_rows_of_weight_zero_do_not_count(self, method, data):
        task = EmpiricalTask(data._replace(w=(data.w.cumsum(-1) <= 12).double()))
        fewer = EmpiricalTask(Distilled(*(part[:, :12] for part in data)))
        other = any_set(data, 4, 3)
        torch.testing.assert_close(method.surrogate(task, other), method.surrogate(fewer, other))

    def test_is_lower_for_the_methods_own_set_than_for_random_rows(self, method, data):
        task = EmpiricalTask(data, 99)
        own = method.surrogate(task, distil(method, task, 3, 0, generator())[0]).median()
        pick = torch.rand(99, 20, generator=generator()).argsort(-1)[:, :3]
        rows = Distilled(*(part[0][pick] for part in data))
        assert own < method.surrogate(task, rows).median()


def test_the_surrogates_of_a_ridge_tasks_own_sets_are_numbers_per_replicate():
    task = RidgeTask(random_data(0), 2)
    for method in SURROGATES:
        assert method.surrogate(task, distil(method, task, 3, 0, generator())[0], generator()).shape == (2,)
