"""What a problem of one's own may be, and the one sentence that it gets if it is something else."""

from dataclasses import dataclass, field, replace

import pytest
import torch

from ddlib.pinn import PROBLEMS, Jet, Law, Problem, solve
from ddlib.pinn.learners.jets import autograd_jet


@dataclass(frozen=True)
class Decay(Problem):
    """u′ = −u, u(0) = α."""

    name: str = "decay"
    law: Law = field(default_factory=lambda: Law(1.0, 0.2))
    box: tuple[tuple[float, float], ...] = ((0.0, 1.0),)
    order: int = 1

    def residual(self, u, x, alpha):
        return u.u_x + u.u

    def ends(self, alpha):
        return {0.0: alpha}

    def exact(self, x, alpha):
        return alpha * torch.exp(-x[..., 0])

    def deepxde(self, dde, z, u):
        return dde.grad.jacobian(u, z, i=0, j=0) + u


class Diffusion(Decay):
    """u_t = u_xx."""

    def residual(self, u, x, alpha):
        return u.u_t - u.u_xx


class Negated(Decay):
    def residual(self, u, x, alpha):
        return -u.u_t + u.u_x


class Subtracted(Decay):
    def residual(self, u, x, alpha):
        return torch.sub(u.u_t, u.u_x)


class Squared(Decay):
    def residual(self, u, x, alpha):
        return u.u_t.square() + u.u_x


class Vibration(Decay):
    def residual(self, u, x, alpha):
        return u.u_tt - u.u_xx


class Column(Decay):
    def residual(self, u, x, alpha):
        return u.u_x - x * u.u


class Nothing(Decay):
    def residual(self, u, x, alpha):
        pass


class Free(Decay):
    ends = Problem.ends


class Empty(Decay):
    def ends(self, alpha):
        return {}


class Forgotten(Decay):
    def ends(self, alpha):
        pass


class Middle(Decay):
    def ends(self, alpha):
        return {0.5: alpha}


class Number(Decay):
    def ends(self, alpha):
        return {0.0: 1.0}


class Faulty(Decay):
    def residual(self, u, x, alpha):
        raise TypeError("a fault of its own")


PLANE = ((0.0, 1.0), (0.0, 1.0))
REFUSED = {
    "no coordinate": (lambda: Decay(box=()), r"one pair \(low, high\) for x, or two for x and t"),
    "three coordinates": (lambda: Decay(box=(*PLANE, (0.0, 1.0))), r"one pair \(low, high\) for x, or two for x and t"),
    "a pair of numbers": (lambda: Decay(box=(0.0, 1.0)), r"one pair \(low, high\) for x"),
    "a number": (lambda: Decay(box=1.0), r"one pair \(low, high\) for x"),
    "three numbers": (lambda: Decay(box=((0.0, 0.5, 1.0),)), r"one pair \(low, high\) for x"),
    "upside down": (lambda: Decay(box=((1.0, 0.0),)), "x of decay lies between two finite numbers, the lower first"),
    "no time": (lambda: Decay(box=((0.0, 1.0), (1.0, 1.0))), "t of decay lies between two finite numbers"),
    "endless": (lambda: Decay(box=((0.0, torch.inf),)), "two finite numbers"),
    "NaN": (lambda: Decay(box=((torch.nan, 1.0),)), "two finite numbers"),
    "order 0": (lambda: Decay(order=0), "the order of decay in x must be 1 or 2"),
    "order 3": (lambda: Decay(order=3), "the order of decay in x must be 1 or 2"),
    "order 1.0": (lambda: Decay(order=1.0), "the order of decay in x must be 1 or 2"),
    "no scale": (lambda: Decay(scale=0.0), "the scale of decay must be a positive number"),
    "scale is NaN": (lambda: Decay(scale=torch.nan), "the scale of decay must be a positive number"),
    "a pair of laws": (lambda: Decay(law=(Law(), Law())), "the law of decay must be a Law"),
    "a class": (lambda: Decay(law=Law), "the law of decay must be a Law"),
    "no ends": (Free, "order 1 takes a value at one end, but decay gives None"),
    "no value": (Empty, r"order 1 takes a value at one end, but decay gives \[\]"),
    "ends without return": (Forgotten, "order 1 takes a value at one end, but decay gives None"),
    "a value inside": (Middle, r"but decay gives \[0.5\]: return values by x, which is 0.0 or 1.0"),
    "one end for order 2": (lambda: Decay(order=2), r"order 2 takes a value at each end, but decay gives \[0.0\]"),
    "a number at an end": (Number, "the value of decay at x = 0.0 must be a tensor of α's shape"),
    "ends with time": (lambda: Decay(box=PLANE), r"decay has time, so it gives boundary\(alpha, count\) itself"),
    "u_t without time": (Diffusion, "the equation of decay takes u_t, but its box has x alone"),
    "minus u_t without time": (Negated, "the equation of decay takes u_t, but its box has x alone"),
    "u_t in a function": (Subtracted, "the equation of decay takes u_t, but its box has x alone"),
    "u_t in a method": (Squared, "the equation of decay takes u_t, but its box has x alone"),
    "coordinates as a column": (Column, r"of shape \(3, 3\) here, but it is \(3, 3, 3\): the coordinate x is x\[..., 0\]"),
    "a residual without return": (Nothing, "the residual of decay is one number for each unit"),
}


@pytest.mark.parametrize(("make", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_supported_gets_one_sentence_when_it_is_constructed(make, words):
    with pytest.raises(ValueError, match=words) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_a_derivative_that_no_jet_has_gets_one_sentence():
    with pytest.raises(AttributeError, match="a jet has u, u_x, u_xx and u_t, but no u_tt: write the equation with these"):
        Vibration()
    assert not hasattr(Jet(*torch.ones(3)), "label")


def test_an_error_of_a_residual_is_its_own():
    with pytest.raises(TypeError, match="a fault of its own"):
        Faulty()


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_every_problem_of_the_library_is_constructed_and_refused_with_another_box(problem):
    assert replace(problem) == problem == type(problem)()
    with pytest.raises(ValueError, match="the box of"):
        replace(problem, box=(*problem.box, *PLANE))


def test_a_problem_of_ones_own_is_solved():
    problem, x = Decay(), torch.linspace(0, 1, 9, dtype=torch.float64)
    alpha = problem.law.grid("upper", 0.3, 3)
    exact = problem.exact(x.unsqueeze(-1), alpha.unsqueeze(-1))
    torch.testing.assert_close(solve(problem, alpha, x), exact, rtol=0, atol=1e-8)
    units = problem.join(x.unsqueeze(-1), alpha[:1])
    assert problem.residual_at(autograd_jet(problem.exact_at, units), units).abs().max() < 1e-12
