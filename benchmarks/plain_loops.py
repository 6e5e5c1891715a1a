"""What an update costs beside a plain torch loop that does the same, as one would write it for one network.

Distribution matching, gradient matching, unrolled training and trajectory matching, each on the same minibatch of labelled rows
(10,000 × 784, ten classes, 100 distilled points, a perceptron of width 128) and of images (1 × 28 × 28, a ConvNet of three
blocks), in float32. Prints the median time of an update of either side and the ratio, timed in turn in one process. Run it with
``python benchmarks/plain_loops.py``; it takes some minutes on one core. ``--growth`` prints how an update's cost grows instead.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ddlib.learners import ModuleLearner, Network, TrainedNetwork, Training
from ddlib.methods import DistributionMatching, GradientMatching, Herding, KCenter, TrajectoryMatching, TruncatedSVD, Unrolled
from ddlib.methods.descent import Descent
from ddlib.problem import distil
from ddlib.tasks import ClassificationTask, Splits, as_data, class_labels
from ddlib.tasks.supervised import SupervisedTask

CLASSES, PER_CLASS, STEPS, STUDENT = 10, 25, 20, 5
Update = Callable[[], object]


def perceptron(inputs: int = 784, width: int = 128) -> nn.Module:
    return nn.Sequential(nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, CLASSES))


def convnet(width: int = 32) -> nn.Module:
    """Three blocks of convolution, normalisation, ReLU and pooling, as the field's own."""
    sizes = itertools.pairwise((1, width, width, width))
    blocks = [nn.Sequential(nn.Conv2d(a, b, 3, padding=1), nn.GroupNorm(b, b), nn.ReLU(), nn.AvgPool2d(2)) for a, b in sizes]
    return nn.Sequential(*blocks, nn.Flatten(), nn.Linear(9 * width, CLASSES))


def squares(outputs: Tensor, labels: Tensor) -> Tensor:
    return 0.5 * (outputs - labels).square().sum(-1)


@dataclass(frozen=True)
class World:
    """Random labelled units, what learns from them, and the set where both sides begin."""

    x: Tensor
    label: Tensor
    build: Callable[[], nn.Module]
    task: SupervisedTask
    budget: int

    @property
    def start(self) -> Tensor:
        return self.x[: self.budget].clone().requires_grad_()

    @property
    def labels(self) -> Tensor:
        return class_labels(self.label, CLASSES).float()


def world(shape: tuple[int, ...], n: int, budget: int) -> World:
    draw = torch.Generator().manual_seed(0)
    x, label = torch.randn(n, *shape, generator=draw), torch.arange(n) % CLASSES
    data = as_data(x, class_labels(label, CLASSES))
    build = convnet if len(shape) > 1 else lambda: perceptron(shape[0])
    learner = ModuleLearner(build, squares, Training(STEPS, 0.01, "sgd"))
    rows = TrainedNetwork(Network((128,)), learner.training)
    return World(x, label, build, ClassificationTask(Splits(data, data, data), learner if len(shape) > 1 else rows), budget)


def batches(here: World) -> list[Tensor]:
    """Rows of each class, drawn anew."""
    return [torch.nonzero(here.label == c).squeeze(1)[torch.randint(len(here.x) // CLASSES, (PER_CLASS,))] for c in range(CLASSES)]


def plain_distribution(here: World) -> Update:
    x = here.start
    optimiser = torch.optim.Adam([x], 0.05)

    def update() -> None:
        features = nn.Sequential(*list(here.build())[:-1])
        rows = torch.cat(batches(here))
        with torch.no_grad():
            real = features(here.x[rows]).unflatten(0, (CLASSES, PER_CLASS)).mean(1)
        mine = features(x)
        means = torch.stack([mine[here.label[: here.budget] == c].mean(0) for c in range(CLASSES)])
        optimiser.zero_grad()
        (real - means).square().sum().backward()
        optimiser.step()

    return update


def plain_gradient(here: World) -> Update:
    x = here.start
    optimiser = torch.optim.Adam([x], 0.05)

    def slope(net: nn.Module, units: Tensor, labels: Tensor, graph: bool) -> list[Tensor]:
        return list(torch.autograd.grad(squares(net(units), labels).mean(), list(net.parameters()), create_graph=graph))

    def update() -> None:
        net, total = here.build(), torch.zeros(())
        for c, rows in enumerate(batches(here)):
            mine = here.label[: here.budget] == c
            theirs = slope(net, here.x[rows], here.labels[rows], False)
            ours = slope(net, x[mine], here.labels[: here.budget][mine], True)
            total = total + sum((a - b).square().sum() for a, b in zip(ours, theirs, strict=True))
        optimiser.zero_grad()
        total.backward()
        optimiser.step()

    return update


def plain_student(here: World, net: nn.Module, x: Tensor, steps: int) -> dict[str, Tensor]:
    """Training on the set, with its graph."""
    theta, labels = dict(net.named_parameters()), here.labels[: here.budget]
    for _ in range(steps):
        loss = squares(functional_call(net, theta, (x,)), labels).mean()
        slopes = torch.autograd.grad(loss, list(theta.values()), create_graph=True)
        theta = {name: value - 0.01 * slope for (name, value), slope in zip(theta.items(), slopes, strict=True)}
    return theta


def plain_unrolled(here: World) -> Update:
    x = here.start
    optimiser = torch.optim.Adam([x], 0.05)

    def update() -> None:
        net, rows = here.build(), torch.randint(len(here.x), (CLASSES * PER_CLASS,))
        theta = plain_student(here, net, x, STEPS)
        optimiser.zero_grad()
        (functional_call(net, theta, (here.x[rows],)) - here.labels[rows]).square().sum(-1).mean().backward()
        optimiser.step()

    return update


def plain_trajectory(here: World) -> Update:
    x, net = here.start, here.build()
    optimiser = torch.optim.Adam([x], 0.05)
    goal = [value.detach() + 0.01 * torch.randn_like(value) for value in net.parameters()]

    def update() -> None:
        theta = plain_student(here, net, x, STUDENT)
        far = sum((a - b).square().sum() for a, b in zip(theta.values(), goal, strict=True))
        scale = sum((a - b).square().sum() for a, b in zip(net.parameters(), goal, strict=True))
        optimiser.zero_grad()
        (far / scale.detach()).backward()
        optimiser.step()

    return update


def methods(here: World) -> dict[str, tuple[Descent, Callable[[World], Update]]]:
    network = here.task.learner.network
    student, expert = Training(STUDENT, 0.01, "sgd"), Training(12, 0.01, "sgd")
    return {
        "distribution matching": (DistributionMatching(network=network, batch=PER_CLASS, keep="last"), plain_distribution),
        "gradient matching": (GradientMatching(network=network, batch=PER_CLASS, keep="last"), plain_gradient),
        f"unrolled, {STEPS} steps": (
            Unrolled(training=here.task.learner.training, batch=CLASSES * PER_CLASS, keep="last"),
            plain_unrolled,
        ),
        f"trajectory matching, {STUDENT} steps": (
            TrajectoryMatching(
                network=network, expert=expert, student=student, latest=2, batch=CLASSES * PER_CLASS, relative=False
            ),
            plain_trajectory,
        ),
    }


def ours(method: Descent, here: World) -> Update:
    draw = torch.Generator().manual_seed(0)
    held = [method.init(here.task, here.budget, draw)]

    def update() -> None:
        held[0], _ = method.update(here.task, held[0], draw)

    return update


def timed(update: Update) -> float:
    begin = time.perf_counter()
    update()
    return time.perf_counter() - begin


def compare(title: str, here: World, repeats: int) -> None:
    for name, (method, plain) in methods(here).items():
        sides = (plain(here), ours(method, here))
        for side in sides:
            timed(side)  # the first call pays for what is set up once
        times = [[timed(side) for side in sides] for _ in range(repeats)]
        slow, fast = (statistics.median(column) for column in zip(*times, strict=True))
        ratio = statistics.median(b / a for a, b in times)
        print(f"{title:12} {name:30} plain {slow:.4f} s, ddlib {fast:.4f} s, ratio {ratio:.2f}", flush=True)


def growth(repeats: int) -> None:
    """One update's cost with more rows, longer rows, more points and more seeds, and the closed forms on many rows."""
    print("   N     d    m  R " + " ".join(f"{name[:16]:>17}" for name in methods(world((8,), 100, 10))))
    for n, d, m, seeds in (
        (10_000, 784, 100, 1),
        (40_000, 784, 100, 1),
        (10_000, 3072, 100, 1),
        (10_000, 784, 400, 1),
        (10_000, 784, 100, 8),
    ):
        here = world((d,), n, m)
        here = World(here.x, here.label, here.build, here.task.serving(seeds), m)
        updates = [ours(method, here) for method, _ in methods(here).values()]
        for update in updates:
            update()
        print(
            f"{n:6} {d:5} {m:4} {seeds:2} "
            + " ".join(f"{statistics.median(timed(u) for _ in range(repeats)):15.4f} s" for u in updates)
        )
    many = world((784,), 40_000, 100)
    for method in (Herding(), KCenter(), TruncatedSVD()):
        seconds = timed(lambda method=method: distil(method, many.task, 100, 0, torch.Generator().manual_seed(0)))
        print(f"{method.name:15} of 40,000 × 784: {seconds:.2f} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7, help="how often both sides are timed")
    parser.add_argument("--growth", action="store_true", help="how the cost grows, instead of ratios")
    given = parser.parse_args()
    torch.manual_seed(0)
    if given.growth:
        growth(given.repeats)
    else:
        compare("784", world((784,), 10_000, 100), given.repeats)
        compare("1 × 28 × 28", world((1, 28, 28), 10_000, 100), given.repeats)
