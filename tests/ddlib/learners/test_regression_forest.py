"""Regression forests against scikit-learn's own."""

import numpy as np
import pytest
import torch
from sklearn.ensemble import RandomForestRegressor

from ddlib.learners.forest import RegressionForest
from ddlib.problem import Distilled
from tests.ddlib.worlds import generator


def rows(*shape):
    x = torch.rand(*shape, 2, generator=generator(), dtype=torch.float64)
    return Distilled(x, x.square().sum(-1), torch.ones_like(x[..., 0]))


def test_the_forest_is_scikit_learns():
    data, learner = rows(2, 30), RegressionForest(5)
    data.w[:, 20:] = 0
    data.w[:, :3] = 4
    found = learner.predict(learner.fit(data), data.x)
    for r in range(2):
        x, y, w = (part[r, :20].numpy() for part in data)
        theirs = RandomForestRegressor(5, random_state=0).fit(x, y, w).predict(data.x[r].numpy())
        assert np.allclose(found[r], theirs)
    assert not learner.predict(learner.fit(data._replace(w=0 * data.w)), data.x).any()


def test_the_generator_is_the_only_source_of_randomness():
    data, learner = rows(1, 30), RegressionForest(5)
    twice = Distilled(*(torch.cat([part, part]) for part in data))
    first, again, other, fixed = (
        learner.predict(learner.fit(twice, source), data.x) for source in (generator(1), generator(1), generator(2), None)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert not torch.equal(first[0], first[1])
    assert torch.equal(fixed[0], fixed[1])


def test_every_batch_index_has_its_own_forest():
    data, learner = rows(3, 2, 12), RegressionForest(4)
    found = learner.predict(learner.fit(data), data.x)
    assert found.shape == (3, 2, 12)
    for index in np.ndindex(3, 2):
        alone = Distilled(*(part[index].unsqueeze(0) for part in data))
        assert torch.equal(found[index], learner.predict(learner.fit(alone), alone.x)[0])


def test_units_broadcast_against_the_forests():
    data, learner = rows(2, 12), RegressionForest(4)
    model, units = learner.fit(data), rows(3, 1, 7).x
    found = learner.predict(model, units)
    assert found.shape == (3, 2, 7)
    assert torch.equal(found[1], learner.predict(model, units[1]))
    assert learner.predict(model, units[..., :0, :]).shape == (3, 2, 0)
    shared = data._replace(x=data.x[:1], y=data.y[:1])  # the same rows for both replicates
    both = learner.predict(learner.fit(shared), data.x[0])
    assert torch.equal(both[0], both[1])


def test_what_cannot_be_is_refused():
    data, learner = rows(2, 5), RegressionForest(2)
    with pytest.raises(ValueError, match="one number"):
        learner.fit(data._replace(y=data.x))
    with pytest.raises(ValueError, match="weights must be 0 or more"):
        learner.fit(data._replace(w=data.w - 2))
    with pytest.raises(ValueError, match="number of trees of a forest must be a whole number"):
        RegressionForest(1.5)
