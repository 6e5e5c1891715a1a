"""What the tests of devices and precisions share: the same computation on the CPU and on the pretend accelerator."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
import torch

from ddlib.problem import Method, Task
from tests.accelerator import DEVICE, Wait, accelerator, moved, tensors

everywhere = pytest.mark.parametrize(
    ("dtype", "draws"), [(torch.float64, DEVICE), (torch.float32, torch.device("cpu"))], ids=["float64", "float32-drawn on the CPU"]
)
"""Both precisions, and both places where a generator of data on an accelerator can be."""

Compute = Callable[[Any, torch.Generator], Any]
"""From data and a generator to anything that holds tensors; or to several such results, one after the other."""


def agrees(compute: Compute, data: Any, dtype: torch.dtype = torch.float64, draws: torch.device = DEVICE) -> Counter[Wait]:
    """A computation gives on the accelerator what it gives on the CPU, and its results have the data's device and precision.

    Args:
        compute: the computation.
        data: what it is given, on the CPU.
        dtype: the precision of the data, and of the results.
        draws: the device of the generator.

    Returns:
        How often the CPU has waited; of several results, for the last one.
    """
    data = moved(data, dtype=dtype)
    expected = list(_results(compute(data, torch.Generator().manual_seed(0))))
    with accelerator() as waits:
        given, generator, results = moved(data, DEVICE), torch.Generator(draws).manual_seed(0), []
        waits.clear()
        for result in _results(compute(given, generator)):
            last, places = Counter(waits), {tensor.device for tensor in tensors(result)}
            assert places == {DEVICE}, f"results on {places}"
            results.append([tensor.detach().to("cpu") for tensor in tensors(result)])
            waits.clear()
    for result, right in zip(results, expected, strict=True):
        assert {tensor.dtype for tensor in result if tensor.is_floating_point()} <= {dtype}
        for ours, theirs in zip(result, tensors(right), strict=True):
            torch.testing.assert_close(ours, theirs.detach(), equal_nan=True)
    return last


def _results(value: Any) -> Iterator[Any]:
    return value if inspect.isgenerator(value) else iter([value])


def distilling(method: Method, budget: int) -> Compute:
    """The set after one update, and after a second one, which shows what every update waits for."""

    def compute(task: Task, generator: torch.Generator) -> Iterator[Any]:
        state, _ = method.update(task, method.init(task, budget, generator), generator)
        yield state.distilled
        state, info = method.update(task, state, generator)
        yield state.distilled, info

    return compute


class Allowed(NamedTuple):
    """A wait that an update may have.

    Attributes:
        most: how often in one update; None where an iteration goes on until it has converged.
        reason: why it is needed.
        witness: the method and the task that show it.
    """

    most: int | None
    reason: str
    witness: tuple[str, str]


def within(waits: Counter[Wait], allowed: dict[Wait, Allowed]) -> None:
    """Whatever the CPU waited for is on the list, and no more often than it says."""
    for wait, count in waits.items():
        assert wait in allowed, f"an update waits {count} times: {wait}"
        most = allowed[wait].most
        assert most is None or count <= most, f"an update waits {count} times instead of {most}: {wait}"


def still_needed(waits: Counter[Wait], wait: Wait, allowed: Allowed) -> None:
    """A wait on the list is still there, as often as the list says."""
    assert waits[wait] == allowed.most if allowed.most is not None else waits[wait] > 1
