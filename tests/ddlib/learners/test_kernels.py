import math

import numpy as np
import pytest
import torch
from sklearn.metrics.pairwise import rbf_kernel

from ddlib.learners import NTK, RBF, Linear
from tests.ddlib.worlds import generator

KERNELS = [Linear(), Linear(0.5), RBF(), RBF(0.3), NTK(), NTK(3, 0.0), NTK(2, 0.4)]


def rows(*shape, seed=0):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def plain_ntk(a, b, layers, bias):
    """The recursion on 2 × 2 covariances, as Lee et al. (2019) print it."""
    pair = np.stack([a, b])
    sigma = 2 * pair @ pair.T / len(a) + bias**2
    theta = sigma[0, 1]
    for _ in range(layers):
        norm = math.sqrt(sigma[0, 0] * sigma[1, 1])
        angle = math.acos(min(1.0, max(-1.0, sigma[0, 1] / norm)))
        mixed = norm / math.pi * (math.sin(angle) + (math.pi - angle) * math.cos(angle)) + bias**2
        theta = mixed + theta * (1 - angle / math.pi)
        sigma = np.array([[sigma[0, 0] + bias**2, mixed], [mixed, sigma[1, 1] + bias**2]])
    return theta


def empirical_ntk(x, layers, bias, width, draw):
    """The inner products of one finite network's parameter gradients."""
    widths = [x.shape[1], *[width] * layers, 1]
    parameters = [torch.randn(n, m, generator=draw, dtype=x.dtype) for n, m in zip(widths[1:], widths, strict=False)]
    parameters += [torch.randn(n, generator=draw, dtype=x.dtype) for n in widths[1:]]
    for parameter in parameters:
        parameter.requires_grad_()

    def network(row):
        for index, n in enumerate(widths[:-1]):
            row = torch.relu(row) if index else row
            row = math.sqrt(2 / n) * parameters[index] @ row + bias * parameters[len(widths) - 1 + index]
        return row.squeeze()

    gradients = [torch.cat([g.flatten() for g in torch.autograd.grad(network(row), parameters)]) for row in x]
    return torch.stack(gradients) @ torch.stack(gradients).T


def test_rbf_agrees_with_scikit_learn_also_far_from_zero():
    a, b = rows(2, 5, 3), rows(2, 4, 3, seed=1)
    for one, other, ours in zip(a, b, RBF(0.7)(a, b), strict=True):
        np.testing.assert_allclose(ours, rbf_kernel(one.numpy(), other.numpy(), 0.5 / 0.7**2), rtol=1e-12)
    torch.testing.assert_close(RBF(0.7)(a + 1e6, b + 1e6), RBF(0.7)(a, b), rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize(("layers", "bias"), [(1, 0.0), (1, 0.1), (3, 0.4)])
def test_ntk_agrees_with_its_plain_recursion(layers, bias):
    a = rows(4, 3)
    b = torch.cat([rows(5, 3, seed=1), -2 * a])  # without biases, these are at an angle of exactly π
    expected = [[plain_ntk(one, other, layers, bias) for other in b.numpy()] for one in a.numpy()]
    np.testing.assert_allclose(NTK(layers, bias)(a, b), expected, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(NTK(layers, bias)(a, b[:5]), np.array(expected)[:, :5], rtol=1e-12)


def test_ntk_of_opposite_rows_is_exact():
    a = rows(4, 3)
    assert NTK(1, 0.0)(a, -a).diagonal().abs().max() < 1e-12
    float32 = NTK(2)(a.float(), -a.float())
    assert float32.dtype == torch.float32
    torch.testing.assert_close(float32.double(), NTK(2)(a, -a), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("layers", "width"), [(1, 20_000), (2, 1500)])
def test_ntk_is_the_limit_of_wide_networks(layers, width):
    x, draw = rows(4, 3), generator(2)
    finite = torch.stack([empirical_ntk(x, layers, 0.3, width, draw) for _ in range(4)]).mean(0)
    expected = NTK(layers, 0.3)(x, x)
    assert (finite - expected).abs().max() < 0.05 * expected.abs().max()


@pytest.mark.parametrize("kernel", KERNELS, ids=str)
def test_gradient_agrees_with_finite_differences(kernel):
    inputs = (rows(3, 2).requires_grad_(), rows(4, 2, seed=1).requires_grad_())
    assert torch.autograd.gradcheck(kernel, inputs)
    assert torch.autograd.gradgradcheck(kernel, inputs)


@pytest.mark.parametrize("kernel", KERNELS, ids=str)
def test_matrices_are_symmetric_positive_semidefinite_and_smooth_at_coincident_rows(kernel):
    x = rows(6, 3)
    x = torch.cat([x, x[:2], -x[:2], torch.zeros(1, 3)]).requires_grad_()
    gram = kernel(x, x)
    torch.testing.assert_close(gram, gram.mT, rtol=1e-12, atol=1e-12)
    assert torch.linalg.eigvalsh(gram.detach()).min() > -1e-6
    (gradient,) = torch.autograd.grad(gram.sum(), x, create_graph=True)
    assert gradient.isfinite().all()
    assert torch.autograd.grad(gradient.square().sum(), x)[0].isfinite().all()


@pytest.mark.parametrize("kernel", [Linear(0.5), RBF(0.7), NTK(2, 0.3)], ids=str)
def test_gradient_of_the_diagonal_is_exact(kernel):
    """k(x, x) moves with x in both places; the closed form of the NTK's diagonal is linear in the squared norm."""
    x = rows(4, 3).requires_grad_()
    (gradient,) = torch.autograd.grad(kernel(x, x).diagonal().sum(), x)
    slope = {Linear: 2.0, RBF: 0.0, NTK: 2 * 3 * 2 / 3}[type(kernel)]  # three layers, each gives 2/d · ‖x‖²
    torch.testing.assert_close(gradient, slope * x.detach(), rtol=1e-7, atol=1e-7)


def test_second_derivative_of_rbf_at_a_coincidence_is_exact():
    a, b = rows(1, 3), rows(1, 3)
    mixed = torch.autograd.functional.hessian(lambda a, b: RBF(0.5)(a, b).sum(), (a, b))[0][1]
    torch.testing.assert_close(mixed[0, :, 0], 4 * torch.eye(3, dtype=torch.float64))


@pytest.mark.parametrize("kernel", KERNELS, ids=str)
def test_leading_axes_broadcast(kernel):
    a, b = rows(2, 1, 5, 3), rows(3, 4, 3, seed=1)
    out = kernel(a, b)
    assert out.shape == (2, 3, 5, 4)
    torch.testing.assert_close(out[1, 2], kernel(a[1, 0], b[2]))


def test_options_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="length of an RBF kernel must be a positive number"):
        RBF(0.0)
    with pytest.raises(ValueError, match="hidden layers of an NTK must be a whole number"):
        NTK(0)
    for kernel in (Linear, NTK):
        with pytest.raises(ValueError, match="bias of a kernel must be a finite number"):
            kernel(bias=float("nan"))
