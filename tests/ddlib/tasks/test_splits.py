import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ddlib import datasets
from ddlib.tasks import class_labels, random_rows, split
from tests.ddlib.worlds import class_data, generator, is_row_of, random_data, seeds


@given(seeds, st.tuples(*(st.integers(1, 8),) * 3), st.integers(1, 3))
@settings(max_examples=20)
def test_parts_are_disjoint_rows_of_the_table(seed, sizes, replicates):
    x = torch.randn(24, 2, generator=generator(seed), dtype=torch.float64)
    parts = split(x, torch.arange(24.0, dtype=torch.float64), sizes, replicates, generator(seed))
    for part, size in zip(parts, sizes, strict=True):
        assert part.x.shape == (replicates, size, 2) and (part.w == 1).all() and part.w.dtype == torch.float64
        assert torch.equal(part.x, x[part.y.long()])  # a row keeps its label
    together = torch.cat([part.y for part in parts], -1)
    assert all(len(row.unique()) == sum(sizes) for row in together)


def test_parts_have_names_and_each_replicate_its_own():
    x = torch.randn(30, 2, generator=generator(), dtype=torch.float64)
    parts, again, other = (split(x, x[:, 0], (10, 10, 10), 2, generator(seed)) for seed in (0, 0, 1))
    assert [parts.part(name) is part for name, part in zip(("train", "validation", "test"), parts, strict=True)] == [True] * 3
    assert torch.equal(parts.test.x, again.test.x) and not torch.equal(parts.test.x, other.test.x)
    assert not torch.equal(parts.train.x[0], parts.train.x[1])


def test_every_row_is_as_likely_in_every_part():
    x = torch.arange(6.0, dtype=torch.float64).unsqueeze(-1)
    train = split(x, x[:, 0], (2, 2, 2), 3000, generator()).train
    share = torch.stack([(train.y == row).any(-1).double().mean() for row in range(6)])
    torch.testing.assert_close(share, torch.full((6,), 1 / 3).double(), rtol=0, atol=0.04)


def test_what_cannot_be_split_is_refused():
    x = torch.ones(5, 2, dtype=torch.float64)
    for sizes in ((0, 1, 1), (2, 2, 2)):
        with pytest.raises(ValueError, match=r"cannot be made of 5: each needs at least 1 row"):
            split(x, x[:, 0], sizes, 1, generator())
    for spoilt in ((x * float("nan"), x[:, 0]), (x, x[:, 0] * float("inf"))):
        with pytest.raises(ValueError, match="hold NaN or infinity"):
            split(*spoilt, (1, 1, 1), 1, generator())


@given(seeds, st.integers(2, 6))
def test_class_labels_are_one_hot_and_sum_to_zero(seed, count):
    label = torch.randint(count, (20,), generator=generator(seed))
    y = class_labels(label, count)
    assert y.dtype == torch.float64 and torch.equal(y.argmax(-1), label)
    torch.testing.assert_close(y, torch.eye(count, dtype=torch.float64)[label] - 1 / count)
    assert y.sum(-1).abs().max() < 1e-15


@given(seeds, st.integers(1, 19))
@settings(max_examples=20)
def test_classes_take_turns(seed, budget):
    """After each round every class that still has rows has been drawn once more, in whatever order."""
    sizes = (9, 4, 6)
    data = class_data(seed, sizes, replicates=3)
    chosen = random_rows(data, budget, generator(seed))
    pick = is_row_of(chosen, data).int()
    assert (pick.sum(-1) == 1).all() and (pick.sum(1) <= 1).all()
    for label in chosen.y.argmax(-1):
        drawn = label.bincount(minlength=3)
        rounds = int(drawn.max())
        for count, size in zip(drawn.tolist(), sizes, strict=True):
            assert min(rounds - 1, size) <= count <= rounds


def test_ten_digits_are_one_of_each_and_bitwise_the_same():
    images = datasets.digits()
    train = split(images.x, class_labels(images.label, 10), (300, 10, 10), 4, generator()).train
    first, second, other = (random_rows(train, 10, generator(seed)) for seed in (1, 1, 2))
    assert torch.equal(first.y.argmax(-1).sort(-1).values, torch.arange(10).expand(4, 10))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert not torch.equal(first.x, other.x)


def test_without_classes_all_rows_are_alike():
    data = random_data(0)
    many = random_rows(type(data)(*(part.expand(3000, *part.shape[1:]) for part in data)), 5, generator())
    share = (many.x[:, :, None, 0] == data.x[:, None, :, 0]).any(1).double().mean(0)
    torch.testing.assert_close(share, torch.full((20,), 0.25).double(), rtol=0, atol=0.05)
    assert torch.equal(random_rows(data, 20, generator()).y.sort(-1).values, data.y.sort(-1).values)


def test_more_rows_than_there_are_are_refused():
    with pytest.raises(ValueError, match="the budget is 21 rows but the data of the classes have 20"):
        random_rows(random_data(0), 21, generator(), "the classes")
