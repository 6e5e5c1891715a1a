"""Every public method on a merge, whose training data have hidden entries: a finite set, or the refusal that it declares."""

from dataclasses import replace

import pytest

from ddlib.dbn import CarriedEm, CleanSubset
from ddlib.dbn.methods.staged import Staged
from ddlib.dbn.methods.stopped_descent import stopped_descent
from ddlib.methods import FirstOrder, GradientMatching, KernelInducing, KMeans, SolvedLabels, ZerothOrder
from ddlib.methods.early_stopped import EarlyStopped
from ddlib.methods.given import Given
from ddlib.problem import ClosedForm
from ddlib.tasks import RidgeTask
from tests.ddlib.dbn.world import generator, merge_task
from tests.ddlib.products import METHODS, reach, refusal
from tests.ddlib.worlds import random_data

SMALL = Staged(early=2, steps=2, rounds=1)
COMPOSED = [  # methods that the public list does not have
    SMALL,
    CarriedEm(1e-6),
    CleanSubset(),
    replace(stopped_descent(5, folds=2, early=2, most=5), method=FirstOrder(begin=SMALL, keep="last")),
    EarlyStopped(KMeans(), (0, 1), 0.5),
    FirstOrder(begin=KMeans(), name="first_order_from_k_means"),
    SolvedLabels(points=CleanSubset(), name="solved_labels_of_clean_rows"),
]
RIDGE = RidgeTask(random_data(0), replicates=2)


def label(method):
    return method.name


def met(method, task, budget):
    """The set, or None where the method owes the task a refusal and gives it, in one sentence."""
    assert all(type(need.met(method, task, budget)) is bool for need in method.requires)
    owed = refusal(method, task, budget)
    if owed is None:
        chosen = reach(method, task, budget, steps=0 if isinstance(method, ClosedForm) else 2)  # they finish in init
        assert 1 <= chosen.budget <= budget and chosen.replicates == 2
        assert all(bool(part.isfinite().all()) for part in chosen)
        return chosen
    with pytest.raises(owed[0], match=owed[1]) as refused:
        reach(method, task, budget, steps=2)
    assert type(refused.value) is owed[0] and "\n" not in str(refused.value)
    return None


@pytest.mark.parametrize("budget", [1, 5, 8])
@pytest.mark.parametrize("method", [*METHODS, *COMPOSED], ids=label)
def test_every_method_on_a_merge(method, budget):
    task = merge_task(trajectories=20)
    assert bool(task.train.x.isnan().any())
    met(method, task, budget)


def test_what_a_merge_is_refused_and_why():
    """By name, so that a requirement which refuses too much is seen."""
    task = merge_task(trajectories=20)
    served = {method.name for method in [*METHODS, *COMPOSED] if refusal(method, task, 8) is None}
    assert served == {"derivative_free", "first_order", "random", "zeroth_order", "limit", "clean_subset", "first_order_stopped"}
    descents = [method for method in METHODS if method.name in ("derivative_free", "first_order", "zeroth_order")]
    assert len(descents) == 3
    assert all(refusal(method, task, 1) == (ValueError, "no model of this set") for method in descents)


@pytest.mark.parametrize("method", [*COMPOSED, FirstOrder(begin=SMALL), ZerothOrder(begin=CarriedEm())], ids=label)
def test_methods_that_are_made_for_a_merge_refuse_other_tasks(method):
    chosen = met(method, RIDGE, 4)
    assert (chosen is not None) == (method.name == "first_order_from_k_means")


@pytest.mark.parametrize("other", [merge_task(trajectories=20), merge_task(trajectories=20, slices=4)], ids=["merge", "longer"])
@pytest.mark.parametrize("method", [FirstOrder, ZerothOrder, GradientMatching, KernelInducing], ids=lambda kind: kind.__name__)
def test_a_given_set_must_be_of_the_task_s_kind(method, other):
    task = merge_task(trajectories=20, variables=3)
    given = Given(other.start(6, generator()))
    for kind in (given, method(begin=given)):
        assert met(kind, task, 6) is None
        assert refusal(kind, task, 6) == (ValueError, "no room for the given set")
    assert met(given, other, 6) is not None and met(given, other, 5) is None
    assert met(given, RIDGE, 6) is None and met(Given(task.start(6, generator())), task, 6) is not None


def test_a_given_set_has_the_task_s_replicates():
    one, two = (merge_task(trajectories=20, replicates=count) for count in (1, 2))
    assert refusal(Given(one.start(6, generator())), two, 6) == (ValueError, "no room for the given set")
    assert met(Given(one.start(6, generator())), two, 6) is None
