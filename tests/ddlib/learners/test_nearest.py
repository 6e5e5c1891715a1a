import pytest
import torch
from hypothesis import given, settings

from ddlib.learners import NearestNeighbour
from ddlib.problem import Distilled
from tests.ddlib.worlds import noisy_classes, random_data, seeds


@given(seeds)
@settings(max_examples=20)
def test_is_the_class_at_the_smallest_distance(seed):
    data, x, learner = noisy_classes(seed, replicates=2), random_data(seed + 5).x, NearestNeighbour()
    nearest = torch.cdist(x.expand(2, -1, -1), data.x).argmin(-1)
    expected = torch.stack([(y > 0).double()[rows] for y, rows in zip(data.y, nearest, strict=True)])
    torch.testing.assert_close(learner.predict(learner.fit(data), x), expected)


def test_rows_of_weight_zero_are_left_out_and_other_weights_do_not_count():
    data, x, learner = noisy_classes(0), random_data(5).x, NearestNeighbour()
    w = data.w * (data.y[..., 1] < 0)
    kept = w[0] > 0
    score = learner.predict(learner.fit(data._replace(w=w)), x)
    assert (score[..., 1] == 0).all()
    assert (score == learner.predict(learner.fit(Distilled(*(part[:, kept] for part in data))), x)).all()
    assert (score == learner.predict(learner.fit(data._replace(w=(w > 0).double())), x)).all()


def test_a_replicate_without_data_says_nothing():
    data, learner = noisy_classes(0, replicates=2), NearestNeighbour()
    w = data.w * torch.tensor([[1.0], [0.0]])
    score = learner.predict(learner.fit(data._replace(w=w)), data.x)
    assert (score[0] == (data.y[0] > 0)).all()
    assert (score[1] == 1 / 3).all()


def test_leading_axes_broadcast():
    data, x, learner = noisy_classes(1, replicates=3), random_data(5).x, NearestNeighbour()
    expected = learner.predict(learner.fit(data), x)
    stacked = learner.fit(Distilled(*(part.unsqueeze(1) for part in data)))
    assert (learner.predict(stacked, x) == expected.unsqueeze(1)).all()
    assert (learner.predict(stacked, data.x) == learner.predict(stacked, data.x.expand(3, -1, -1, -1))).all()
    shared = learner.fit(data._replace(x=data.x[0]))
    assert (learner.predict(shared, data.x[0]) == (data.y > 0)).all()


def test_labels_without_classes_and_negative_weights_are_refused():
    data = noisy_classes(0)
    with pytest.raises(ValueError, match="one column per class"):
        NearestNeighbour().fit(data._replace(y=data.y[..., 0]))
    with pytest.raises(ValueError, match="weights must be 0 or more"):
        NearestNeighbour().fit(data._replace(w=-data.w))
    with pytest.raises(ValueError, match="NaN"):
        NearestNeighbour().fit(data._replace(x=data.x * float("nan")))
