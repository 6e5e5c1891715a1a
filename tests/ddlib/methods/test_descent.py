"""What gradient methods share beyond :mod:`tests.ddlib.methods.test_first_order`: where descent begins, and what it hands out."""

import pytest
import torch

from ddlib.methods import Exact, FirstOrder, Herding, KMeans
from ddlib.methods.descent import Descent
from ddlib.problem import distil
from ddlib.tasks import RidgeTask
from tests.ddlib.methods.bowl import Bowl
from tests.ddlib.worlds import generator, random_data


class Noisy(Descent):
    """A surrogate with a random draw, so that its best value says nothing."""

    def surrogate(self, task, distilled, generator, memory=None):
        noise = torch.randn(len(distilled.w), dtype=torch.float64, generator=generator)
        return task.risk(task.fit(distilled)) + 10 * noise


@pytest.mark.parametrize("begin", [Exact(), Herding(), KMeans()], ids=lambda method: method.name)
def test_begins_at_a_closed_forms_set(begin):
    task = RidgeTask(random_data(0), 2, penalties=(0.1, 1.0))
    state = FirstOrder(begin=begin).init(task, 2, generator(3))
    expected = begin.choose(task, 2, generator(3))
    assert all(torch.equal(a, b) for a, b in zip(state.current, expected, strict=True))
    chosen, history = distil(FirstOrder(begin=begin, horizon=30), task, 2, 30, generator(3))
    assert (task.risk(task.fit(chosen)) <= history[0].surrogate).all()


def test_the_last_iterate_is_handed_out_where_the_best_is_an_accident():
    task = Bowl()
    last, best = Noisy(keep="last"), Noisy(keep="best")
    state, draw = last.init(task, 3, generator()), generator(1)
    for _ in range(5):
        state, _ = last.update(task, state, draw)
        assert all(torch.equal(a, b) for a, b in zip(state.distilled, state.current, strict=True))
    state, draw, seen = best.init(task, 3, generator()), generator(1), []
    for _ in range(5):
        before = state.current
        state, info = best.update(task, state, draw)
        seen.append((info.surrogate, before.x))
    values = torch.stack([value for value, _ in seen])
    assert torch.equal(state.best, values.amin(0))
    for r, which in enumerate(values.argmin(0).tolist()):
        assert torch.equal(state.distilled.x[r], seen[which][1][r])


def test_clear_errors():
    with pytest.raises(ValueError, match="must be the 'best' or the 'last'"):
        FirstOrder(keep="first")
    with pytest.raises(NotImplementedError):
        distil(Descent(), Bowl(), 3, 1, generator())
