import numpy as np
import pytest
import torch
from sklearn.ensemble import RandomForestClassifier

from ddlib.learners import RandomForest
from ddlib.problem import Distilled
from tests.ddlib.worlds import generator, noisy_classes, random_data


def test_is_scikit_learns_forest():
    data, x, learner = noisy_classes(0), random_data(5).x, RandomForest(10)
    oracle = RandomForestClassifier(10, random_state=0)
    oracle.fit(data.x[0].numpy(), data.y[0].argmax(-1).numpy(), data.w[0].numpy())
    np.testing.assert_array_equal(learner.predict(learner.fit(data), x)[0], oracle.predict_proba(x[0].numpy()))


def test_the_generator_is_the_only_source_of_randomness():
    data, learner = noisy_classes(0), RandomForest(5)
    twice = Distilled(*(torch.cat([part, part]) for part in data))
    first, again, other, fixed = (
        learner.predict(learner.fit(twice, source), data.x) for source in (generator(1), generator(1), generator(2), None)
    )
    assert (first == again).all()
    assert (first != other).any()
    assert (first[0] != first[1]).any()
    assert (fixed[0] == fixed[1]).all()


def test_rows_of_weight_zero_and_classes_without_data_say_nothing():
    data, x, learner = noisy_classes(0), random_data(5).x, RandomForest(5)
    w = data.w * (data.y[..., 1] < 0)
    score = learner.predict(learner.fit(data._replace(w=w)), x)
    assert (score[..., 1] == 0).all()
    torch.testing.assert_close(score.sum(-1), torch.ones_like(x[..., 0]))
    kept = Distilled(*(part[:, w[0] > 0] for part in data))
    assert (score == learner.predict(learner.fit(kept), x)).all()
    assert (learner.predict(learner.fit(data._replace(w=0 * w)), x) == 1 / 3).all()


def test_large_weights_win():
    data, learner = noisy_classes(0, replicates=2), RandomForest(20)
    w = 1e6 * data.w * (data.y[..., 2] > 0) + data.w
    assert (learner.predict(learner.fit(data._replace(w=w)), data.x).argmax(-1) == 2).double().mean() > 0.9


@pytest.mark.parametrize("trees", [0, -1, 1.5])
def test_a_number_of_trees_that_makes_no_sense_is_refused(trees):
    with pytest.raises(ValueError, match="number of trees of a forest must be a whole number of at least 1"):
        RandomForest(trees)


def test_labels_without_classes_are_refused():
    data = noisy_classes(0)
    with pytest.raises(ValueError, match="one column per class"):
        RandomForest(1).fit(data._replace(y=data.y[..., 0]))
