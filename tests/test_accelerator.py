"""The pretend accelerator keeps CUDA's rules, computes what the CPU computes, and counts every wait."""

import pytest
import torch

from tests.accelerator import CHECK, COPY, DEVICE, NUMBER, SIZE, Wait, accelerator, moved, tensors
from tests.ddlib.worlds import generator, random_data

X = random_data(0).x[0, :3]


def test_operands_on_two_devices_do_not_mix_but_for_a_single_number_and_for_indices():
    with accelerator():
        there = moved(X, DEVICE)
        for refused in (
            lambda: there + X,
            lambda: torch.cat([there, X]),
            lambda: torch.stack([there[0, 0], X[0, 0]]),
            lambda: there.index_add(0, torch.arange(3), there),
            lambda: there @ X,
            lambda: there.gather(0, torch.zeros(1, 3, dtype=torch.long)),
        ):
            with pytest.raises(RuntimeError, match="on the CPU"):
                refused()
        assert {(there + X[0, 0]).device, there[torch.arange(2)].device, there.masked_fill(there > 0, X[0, 0]).device} == {DEVICE}


def test_random_numbers_come_from_a_generator_of_their_device():
    with accelerator():
        here, there = torch.Generator().manual_seed(0), torch.Generator(DEVICE).manual_seed(0)
        assert (here.device.type, there.device) == ("cpu", DEVICE)
        drawn = torch.randn(3, generator=there, device=there.device)
        assert torch.equal(drawn.to("cpu"), torch.randn(3, generator=here))
        with pytest.raises(RuntimeError, match="expected a generator on meta, but it is on cpu"):
            torch.randn(3, generator=here, device=DEVICE)
        with pytest.raises(RuntimeError, match="expected a generator on cpu, but it is on meta"):
            torch.rand(3, generator=there)
        with pytest.raises(RuntimeError, match="draws from the global generator"):
            torch.randperm(3, device=DEVICE)
    with pytest.raises(RuntimeError):
        torch.Generator(DEVICE)


def in_place(x):
    y = x.clone()
    y[0] = 1.0
    y[:, [0, 2]] += 1
    y.diagonal().fill_(7)
    y[y > 5] = x.new_tensor(3.0)
    return y.index_add_(0, torch.arange(2, device=x.device), x[:2]).scatter(1, y.argsort(1), x)


COMPUTE = {
    "algebra": lambda x: torch.linalg.lstsq(x, torch.linalg.solve(x, x.mT), driver="gels").solution + torch.linalg.inv(x),
    "spectrum": lambda x: torch.linalg.eigh(x @ x.mT).eigenvalues.topk(2).values,
    "in place": in_place,
    "python": lambda x: torch.tensor([1.0, 2.0], device=x.device, dtype=x.dtype) + torch.as_tensor(x.tolist()[0][0]),
    "autograd": lambda x: torch.autograd.grad(torch.linalg.slogdet(y := x.clone().requires_grad_()).logabsdet, y)[0],
    "vmap of grad": lambda x: torch.func.vmap(torch.func.grad(lambda row: (row**3).sum()))(x),
    "vmap of jvp": lambda x: torch.func.vmap(lambda step: torch.func.jvp(torch.linalg.inv, (x,), (step,))[1])(x.expand(2, 3, 3)),
    "second derivatives": lambda x: torch.func.hessian(lambda y: (y.exp() * y).sum())(x[0]),
}


@pytest.mark.parametrize("name", COMPUTE)
def test_it_computes_what_the_cpu_computes(name):
    with accelerator():
        result = COMPUTE[name](moved(X, DEVICE))
        assert result.device == DEVICE
        ours = result.to("cpu")
    assert torch.equal(ours, COMPUTE[name](X))


WAITS = {
    "item": (lambda x: x[0, 0].item(), {NUMBER: 1}),
    "bool": (lambda x: bool((x > 0).any()), {NUMBER: 1}),
    "float": (lambda x: float(x.sum()), {NUMBER: 1}),
    "equal": (lambda x: torch.equal(x, x), {NUMBER: 1}),
    "nonzero": (lambda x: x.nonzero(), {SIZE: 1}),
    "mask": (lambda x: x[x > 0], {SIZE: 1}),
    "unique": (lambda x: x.unique(), {SIZE: 1}),
    "put where a mask says": (lambda x: x.clone().index_put((x > 0,), x[x > 0]), {SIZE: 2}),
    "list": (lambda x: x.tolist(), {COPY: 1}),
    "numpy": (lambda x: x.cpu().numpy(), {COPY: 1}),
    "data of Python": (lambda x: x.new_tensor([1.0]), {COPY: 1}),
    "an index of the CPU": (lambda x: x[torch.arange(2)], {COPY: 1}),
    "a list as index": (lambda x: x[[0, 1]], {COPY: 1}),
    "inverse": (lambda x: torch.linalg.inv(x), {CHECK: 1}),
    "nothing": (lambda x: (x @ x).sum() + x.new_full((), 2.0) + x[:, 1:].masked_fill(x[:, 1:] > 0, 0.0).sum(), {}),
    "Cholesky without a check": (lambda x: torch.linalg.cholesky_ex(x @ x.mT), {}),
    "an index of the device": (lambda x: x[torch.arange(2, device=x.device)], {}),
}


@pytest.mark.parametrize("name", WAITS)
def test_every_wait_is_counted_with_its_reason_and_its_place(name):
    act, expected = WAITS[name]
    with accelerator() as waits:
        there = moved(X, DEVICE)
        waits.clear()
        act(there)
        assert waits == {Wait(reason, "the test"): count for reason, count in expected.items()}


def test_a_tensor_of_the_device_is_of_no_use_without_it():
    with accelerator():
        there = moved(X, DEVICE)
    with pytest.raises(RuntimeError, match="outside `with accelerator"):
        there + 1


def test_moved_finds_every_tensor_and_leaves_alone_what_holds_none():
    data = random_data(0)
    value = {"set": data, "list": [data.x, "text"], "draw": generator()}
    single = moved(value, dtype=torch.float32)
    assert [tensor.dtype for tensor in tensors(single)] == [torch.float32] * 4
    assert single["draw"] is value["draw"] and moved(["text"], DEVICE) == ["text"]
    assert torch.equal(single["set"].x, data.x.float()) and type(single["set"]) is type(data)
