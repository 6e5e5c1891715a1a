import pytest
import torch
from hypothesis import given, settings
from sklearn.cluster import KMeans as SklearnKMeans

from ddlib.closed_forms import label_scale
from ddlib.methods import KMeans
from ddlib.methods.joined import classes, joined
from ddlib.problem import Distilled, distil
from ddlib.tasks import EmpiricalTask, RidgeTask, as_data
from tests.ddlib.worlds import UNEVEN, class_data, generator, random_data, seeds


def clustered(data: Distilled, budget: int) -> Distilled:
    return distil(KMeans(), RidgeTask(data), budget, 0, generator())[0]


def weighted(seed: int) -> Distilled:
    data = random_data(seed)
    return data._replace(w=torch.randint(0, 4, data.w.shape, generator=generator(seed)).double() + (data.w.cumsum(-1) <= 5))


@given(seeds)
@settings(max_examples=10)
def test_clusters_keep_the_weight_and_the_weighted_mean_of_the_data(seed):
    """Cluster means times their weights add up to the data, in y's own units."""
    data = weighted(seed)
    chosen = clustered(data, 4)
    torch.testing.assert_close(chosen.w.sum(-1), data.w.sum(-1))
    torch.testing.assert_close((chosen.w[..., None] * chosen.x).sum(1), (data.w[..., None] * data.x).sum(1), rtol=1e-9, atol=1e-9)
    torch.testing.assert_close((chosen.w * chosen.y).sum(1), (data.w * data.y).sum(1), rtol=1e-9, atol=1e-9)


def test_each_group_becomes_its_mean_with_the_groups_weight():
    x = torch.tensor([[0.0], [1.0], [100.0], [101.0], [102.0], [50.0]]).double()
    data = as_data(x, 1000 * x[:, 0])._replace(w=torch.tensor([[1.0, 3.0, 1.0, 1.0, 2.0, 0.0]]).double())
    chosen = clustered(data, 2)
    order = chosen.x[0, :, 0].argsort()
    torch.testing.assert_close(chosen.x[0, order, 0], torch.tensor([0.75, 101.25]).double())
    torch.testing.assert_close(chosen.y[0, order], torch.tensor([750.0, 101250.0]).double())
    torch.testing.assert_close(chosen.w[0, order], torch.tensor([4.0, 4.0]).double())


def test_the_unit_of_y_does_not_change_the_clusters():
    data = random_data(3)
    chosen, scaled = clustered(data, 4), clustered(data._replace(y=1024 * data.y), 4)
    torch.testing.assert_close(scaled, chosen._replace(y=1024 * chosen.y))


def test_labels_that_are_all_the_same_have_scale_one():
    data = random_data(0)
    constant = data._replace(y=torch.full_like(data.y, 0.1))
    assert label_scale(constant).item() == 1
    chosen = clustered(constant, 3)
    assert all(bool(part.isfinite().all()) for part in chosen)
    torch.testing.assert_close(chosen.y, torch.full_like(chosen.y, 0.1))


def test_more_clusters_than_rows_that_count_are_refused():
    data = random_data(0)
    with pytest.raises(ValueError, match="cannot make 6 clusters from 5 rows"):
        clustered(data._replace(w=(data.w.cumsum(-1) <= 5).double()), 6)


def line(x: torch.Tensor) -> Distilled:
    """Points on a line whose labels are all zero, so that only x counts."""
    return as_data(x.double()[:, None], torch.zeros(len(x)).double())


@pytest.mark.parametrize("m", [1, 2, 3, 5])
def test_the_quantisation_error_of_the_uniform_law(m):
    """On a grid of n points, n a multiple of m, the least error is (1 - (m/n)²) / (12 m²): theory's 1 / (12 m²) as n grows."""
    n = 60 * m
    data = line((torch.arange(n).double() + 0.5) / n)
    least = (1 - 1 / 60**2) / (12 * m**2)
    found = KMeans().surrogate(RidgeTask(data), clustered(data, m)).item()
    assert least * (1 - 1e-9) <= found <= least * 1.02
    best = line((torch.arange(m).double() + 0.5) / m)
    assert KMeans().surrogate(RidgeTask(data), best).item() == pytest.approx(least)


def test_the_quantisation_error_of_the_normal_law():
    n = 20_000
    data = line(torch.special.ndtri((torch.arange(n).double() + 0.5) / n))
    chosen = clustered(data, 2)
    assert KMeans().surrogate(RidgeTask(data), chosen).item() == pytest.approx(1 - 2 / torch.pi, abs=1e-3)
    torch.testing.assert_close(chosen.x.abs(), torch.full_like(chosen.x, (2 / torch.pi) ** 0.5), rtol=0.02, atol=0)


def test_one_point_per_class_is_the_class_mean():
    data = class_data(0, UNEVEN)
    data = data._replace(w=data.w + data.x[..., 1].abs())
    chosen = distil(KMeans(), EmpiricalTask(data), 3, 0, generator())[0]
    member = data.w[0, :, None] * (classes(data)[0, :, None] == torch.arange(3))
    torch.testing.assert_close(chosen.w[0], member.sum(0))
    torch.testing.assert_close(chosen.x[0], member.mT @ data.x[0] / member.sum(0)[:, None])


@given(seeds)
@settings(max_examples=5)
def test_the_surrogate_of_its_own_set_is_scikit_learns_inertia(seed):
    data = random_data(seed)
    state = int(torch.randint(2**31 - 1, (1,), generator=generator()))
    fitted = SklearnKMeans(4, n_init=4, random_state=state).fit(joined(data)[0].numpy())
    assert KMeans().surrogate(RidgeTask(data), clustered(data, 4)).item() == pytest.approx(fitted.inertia_ / 20)


def test_with_class_labels_the_surrogate_is_at_most_what_was_minimised():
    data = class_data(0, UNEVEN)
    chosen = distil(KMeans(), EmpiricalTask(data), 6, 0, generator())[0]
    within = (torch.cdist(data.x, chosen.x)[0] ** 2).masked_fill(classes(data)[0][:, None] != classes(chosen)[0], torch.inf)
    value = KMeans().surrogate(EmpiricalTask(data), chosen).item()
    assert 0.5 * within.amin(-1).mean() < value <= within.amin(-1).mean() + 1e-9
