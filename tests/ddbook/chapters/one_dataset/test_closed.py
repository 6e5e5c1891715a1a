"""Closed forms beside the descent: which directions they reach, and what they may know."""

from itertools import combinations

import pytest
import torch

from ddbook.chapters.one_dataset import closed
from ddlib.closed_forms import serve_solutions, unit
from ddlib.lens import relative_regret, ridge_lower_bound
from ddlib.tasks import RidgeTask
from tests.ddbook.chapters.one_dataset.ridges import TASK


def reach(points, direction):
    """How far a direction of length one is from the span of the points."""
    basis = torch.linalg.qr(points.x[0].mT)[0]
    return (direction - basis @ (basis.mT @ direction)).norm().item()


def test_the_krylov_set_is_the_same_whatever_the_penalties():
    other = RidgeTask(TASK.data, TASK.replicates, penalties=(3.0, 30.0, 300.0))
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(closed.krylov(TASK, 3), closed.krylov(other, 3), strict=True))


def test_krylov_points_reach_both_ends_of_the_path_and_all_of_it_when_they_are_as_many_as_columns():
    x, y = TASK.data.x[0], TASK.data.y[0]
    for direction in (x.mT @ y, torch.linalg.solve(x.mT @ x, x.mT @ y)):
        assert reach(closed.krylov(TASK, 2), unit(direction)) < 1e-12
    assert closed.krylov(TASK, 2).x.shape == (TASK.replicates, 2, 4)
    assert relative_regret(TASK, closed.krylov(TASK, 4)).max() < 1e-12


@pytest.mark.parametrize("m", [1, 2, 3, 4])
def test_no_choice_of_m_regressions_is_better_than_the_best(m):
    solutions = TASK.fit(TASK.train)
    chosen = list(combinations(range(4), m))
    losses = [relative_regret(TASK, serve_solutions(TASK.train, solutions[..., list(one), :]))[0].item() for one in chosen]
    best = closed.best_exact(TASK, m)
    assert relative_regret(TASK, best)[0].item() == pytest.approx(min(losses), abs=1e-15)
    errors = (TASK.fit(best) - TASK.reference).norm(dim=-1)[0] / TASK.reference.norm(dim=-1)[0]
    assert (errors < 1e-9).sum() >= m


def test_the_leading_directions_are_those_of_the_bound():
    points = closed.leading(TASK, 2)
    missed = [reach(points, solution) ** 2 for solution in unit(TASK.reference)[0]]
    assert (sum(missed) / len(missed)) ** 0.5 == pytest.approx(ridge_lower_bound(TASK.reference, 2)[0].item(), rel=1e-9)
