import pytest
import torch
from hypothesis import given, settings

from ddlib.methods import KMeans
from ddlib.methods.quantise import label_scale
from ddlib.problem import Distilled, distil
from ddlib.tasks import RidgeTask, as_data
from tests.worlds import generator, random_data, seeds


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
