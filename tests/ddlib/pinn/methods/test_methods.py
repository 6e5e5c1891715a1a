"""Every way of choosing a set, on PINN tasks of tiny size."""

from dataclasses import replace

import pytest
import torch

from ddlib.methods import DerivativeFree
from ddlib.pinn import PROBLEMS, FastTraining, PhysicsNetwork, PinnTask, TanhNetwork, draw_data, physics
from ddlib.pinn.methods.bounded import at_target, bounds
from ddlib.pinn.methods.kernel_distillation import KernelDistillation
from ddlib.pinn.methods.kernel_matching import KernelMatching
from ddlib.pinn.methods.rows import Smoothed, TeacherLabelled, TensorGrid, factors
from ddlib.pinn.methods.students import PhysicsGradientMatching, PhysicsUnrolled, TeacherMatching
from ddlib.pinn.teachers.teacher import CollocationTeacher, NetworkTeacher, Taught
from ddlib.problem import distil
from tests.ddlib.worlds import generator

SMALL = PhysicsNetwork(network=TanhNetwork((4,)), training=FastTraining(10))
POOL = {"pool": 3, "models": 2, "window": 2, "life": 6}
QUICK = CollocationTeacher(lengths=((0.3, 2.0),), centres=16, steps=2)
METHODS = [
    DerivativeFree(4, generation=2),
    PhysicsUnrolled(**POOL),
    TeacherMatching(teacher=QUICK, count=16, **POOL),
    PhysicsGradientMatching(**POOL),
    KernelDistillation(first=2),
    KernelMatching(teacher=QUICK, count=16),
    TeacherLabelled(QUICK),
    TeacherLabelled(NetworkTeacher(2, TanhNetwork((4,)), FastTraining(5)), "uniform", "random"),
    TensorGrid(),
    TensorGrid(QUICK, "target", name="tensor_grid_target"),
    Smoothed(),
]


def task_of(problem, level=3, seed=0, learner=SMALL):
    draw = generator(seed)
    data = draw_data(problem, 2, draw, alphas=4, positions=5)
    first, second = (physics(problem, level, 2, draw, interior=12, alphas=3) for _ in range(2))
    return PinnTask(problem, data, learner, first, second, level)


def met(method, task, budget=4, steps=2, seed=1):
    return distil(method, task, budget, steps, generator(seed))[0]


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=lambda problem: problem.name)
@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_every_method_on_every_problem_uses_no_target_label(method, problem):
    """Finite sets of the budget's size; without the target's labels, and with the same seed, bitwise the same."""
    task = task_of(problem)
    chosen = met(method, task)
    assert chosen.x.shape == (2, 4, problem.dimension) and chosen.y.shape == (2, 4) and (chosen.w == 1).all()
    hidden = task.data.target._replace(y=torch.full_like(task.data.target.y, torch.nan))
    again = met(method, replace(task, data=task.data._replace(target=hidden)))
    assert torch.equal(chosen.x, again.x) and torch.equal(chosen.y, again.y)


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_every_method_at_every_level(method, level):
    chosen = met(method, task_of(PROBLEMS["Burgers"], level))
    assert all(part.isfinite().all() for part in chosen)


@pytest.mark.parametrize("kind", [PhysicsUnrolled, TeacherMatching, PhysicsGradientMatching])
def test_the_pool_is_raised_once(kind):
    raised = []

    class Counted(kind):
        def raise_pool(self, *given):
            raised.append(given)
            return super().raise_pool(*given)

    met(Counted(**POOL, **({"teacher": QUICK} if kind is TeacherMatching else {})), task_of(PROBLEMS["conduction"]))
    assert len(raised) == 1


def test_points_stay_in_the_tail():
    task = task_of(PROBLEMS["Burgers"])
    low, high = bounds(task)
    for method in (KernelMatching(teacher=QUICK, lr=1.0, keep="last"), PhysicsUnrolled(lr=1.0, **POOL)):
        x = met(method, task, steps=4).x
        assert (x >= low).all() and (x <= high).all() and ((x == low) | (x == high)).any()
    away = met(PhysicsUnrolled(lr=1.0, bounded=False, **POOL), task, steps=4).x
    assert ((away < low) | (away > high)).any()


def test_the_physics_of_the_target_tail():
    task = task_of(PROBLEMS["conduction"])
    kept, (low, high) = at_target(task), task.problem.law.interval("upper", 0.3)
    assert kept.interior.shape[-2] == 12 and kept.boundary.budget == 6
    assert (kept.interior[..., -1] >= low).all() and (kept.boundary.x[..., -1] <= high).all()
    assert at_target(task_of(PROBLEMS["conduction"], 2)) is None


def test_the_collocation_teacher_solves_every_problem():
    """A family of equations from noisy data of one tail and physics of both: right on the other tail, nonlinear or not."""
    for name, tolerance in {"logistic": 0.01, "screened": 0.05, "Burgers": 0.03}.items():
        task = PinnTask.make(PROBLEMS[name], 1, generator())
        target = task.data.target
        miss = CollocationTeacher().learn(task, generator())(target.x) - target.y
        assert ((miss.square().sum(-1) / target.y.square().sum(-1)).sqrt() < tolerance).all()


def test_kernel_matching_beats_its_start_on_new_points():
    task = PinnTask.make(PROBLEMS["Burgers"], 2, generator())
    teacher = Taught(CollocationTeacher().learn(task, generator()))
    method = KernelMatching(teacher=teacher, horizon=40)
    start, chosen = (met(method, task, 8, steps) for steps in (0, 40))
    judge = lambda s: method.surrogate(task, s, generator(99))  # noqa: E731
    assert (judge(chosen) < judge(start) - 0.5).all()
    torch.testing.assert_close(chosen.y, teacher.labels(chosen.x))


def test_kernel_distillation_lowers_its_loss_and_finds_labels_without_a_teacher():
    task = PinnTask.make(PROBLEMS["Burgers"], 2, generator())
    method = KernelDistillation(horizon=20)
    start, chosen = (met(method, task, 12, steps) for steps in (0, 20))
    loss = [method.surrogate(task, each, generator()) for each in (start, chosen)]
    assert (loss[1] < loss[0]).all()
    assert (task.label_error(chosen) < 0.2 * task.data.target.y.std()).all()


def test_the_network_teacher_is_the_mean_of_its_networks():
    task = task_of(PROBLEMS["logistic"])
    labels = NetworkTeacher(2, TanhNetwork((4,)), FastTraining(5)).learn(task, generator())
    units = task.data.target.x[:, :7]
    wide = labels(units.expand(3, *units.shape))
    torch.testing.assert_close(wide[1], labels(units))
    assert labels(units).shape == (2, 7)


def test_tensor_grids():
    task = task_of(PROBLEMS["Poisson"])
    chosen, alpha = met(TensorGrid(), task, 20, 0), task.train.x[..., -1]
    assert chosen.x[0, :, 1].unique().numel() == 4 and torch.equal(chosen.x[..., 1].amax(-1), alpha.amax(-1))
    torch.testing.assert_close(chosen.x[0, :5, 0], -torch.cos(torch.pi * (torch.arange(5, dtype=torch.float64) + 0.5) / 5))
    torch.testing.assert_close(chosen.y, task.problem.exact_at(chosen.x))
    assert met(TensorGrid(alphas=2), task, 20, 0).x[0, :, 1].unique().numel() == 2
    with pytest.raises(ValueError, match="3 values of α"):
        met(TensorGrid(alphas=3), task, 20, 0)
    assert [factors(m, 2) for m in (5, 10, 40)] == [[1, 5], [2, 5], [5, 8]] and factors(20, 3) == [2, 2, 5]


@pytest.mark.parametrize(
    ("method", "options", "words"),
    [
        (KernelMatching, {"penalty": 0.0}, "kernel ridge"),
        (KernelMatching, {"labels": "none"}, "free"),
        (KernelMatching, {"lengths": ()}, "a kernel at least"),
        (KernelDistillation, {"lengths": ()}, "a kernel at least"),
        (KernelDistillation, {"learn": ("x", "y")}, "closed form"),
        (NetworkTeacher, {"networks": 0}, "at least 1 network"),
        (PhysicsUnrolled, {"pool": 2, "models": 3}, "1 to all of its models"),
        (PhysicsUnrolled, {"restart": 2.0}, "probability"),
    ],
)
def test_clear_errors(method, options, words):
    with pytest.raises(ValueError, match=words):
        method(**options)
