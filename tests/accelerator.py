"""A pretend accelerator: what a machine without one can prove about devices.

Inside ``with accelerator() as waits`` there is a second device beside the CPU. Its tensors hold numbers on the CPU and compute as
the CPU does, bit for bit, but they say that they live on :data:`DEVICE`, and the rules are CUDA's:

* a tensor of the device does not mix with one of the CPU, but for a single number of the CPU in an elementwise operation, and for
  CPU indices in ``x[index]``;
* random numbers come from a generator of the tensor's own device, and never from the global one;
* whatever makes the CPU wait for the device is counted in ``waits``: numbers and truth values that are read, sizes that depend on
  data, copies from one device to the other, and factorisations that check whether they failed.

The device is called ``meta``, the one device besides the CPU that every build of torch knows, and where autograd runs in the thread
of the caller. ``torch.Generator("meta")``, which torch refuses, gives here the stream of ``torch.Generator("cpu")`` with another
name for its device: so a run on the device draws what the same run on the CPU draws.
"""

from __future__ import annotations

import dataclasses
import sys
import weakref
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NamedTuple
from unittest import mock

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

CPU, DEVICE = torch.device("cpu"), torch.device("meta")

NUMBER, SIZE, COPY, CHECK = "number", "size", "copy", "check"
"""Why the CPU waits: it reads a number, it needs a size that depends on data, it copies, or it checks a factorisation."""


class Wait(NamedTuple):
    """Why the CPU waited for the device, and the innermost function of the clone's packages that made it wait.

    Attributes:
        why: one of the four reasons.
        where: such as ``ddlib.learners.ridge.ridge``.
    """

    why: str
    where: str


WAITS = {
    "_local_scalar_dense": NUMBER,
    "equal": NUMBER,
    "nonzero": SIZE,
    "masked_select": SIZE,
    "_unique2": SIZE,
    "unique_dim": SIZE,
    "unique_consecutive": SIZE,
    "repeat_interleave": SIZE,
    "bincount": SIZE,
    "_linalg_check_errors": CHECK,
    "_linalg_eigh": CHECK,
    "_linalg_svd": CHECK,
    "linalg_eig": CHECK,
}
"""Operations of ATen that wait on an accelerator, whatever their arguments."""

INDEXED = {"index", "index_put", "index_put_", "_index_put_impl_", "_unsafe_index", "_unsafe_index_put"}
SINGLE_NUMBERS = {"fill_", "fill", "masked_fill", "masked_fill_", *INDEXED}
"""Operations that are not elementwise and yet take a single number of the CPU."""


class Remote(torch.Tensor):
    """A tensor that says it lives on :data:`DEVICE`.

    Attributes:
        numbers: what it holds, on the CPU.
    """

    numbers: Tensor

    @staticmethod
    def __new__(cls, numbers: Tensor) -> Remote:
        layout = {"strides": numbers.stride(), "storage_offset": numbers.storage_offset(), "dtype": numbers.dtype}
        return torch.Tensor._make_wrapper_subclass(cls, numbers.shape, device=DEVICE, **layout)  # type: ignore[attr-defined]

    def __init__(self, numbers: Tensor) -> None:
        self.numbers = numbers

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        return f"Remote({self.numbers})"

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        raise RuntimeError(f"{func} was asked of a tensor on the pretend accelerator outside `with accelerator()`")


REMOTE_STREAMS: set[int] = set()
"""The addresses of the generators of the pretend device: an operation is handed the generator, but not its Python object."""


class Generator(torch.Generator):
    """A generator of the CPU or of the pretend device, with the CPU's stream."""

    def __new__(cls, device: torch.device | str = "cpu") -> Generator:
        generator = super().__new__(cls, "cpu")
        if torch.device(device) == DEVICE:
            REMOTE_STREAMS.add(generator._cdata)
            weakref.finalize(generator, REMOTE_STREAMS.discard, generator._cdata)
        return generator

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        """Where it says that it draws."""
        return _stream_of(self)


def _stream_of(generator: torch.Generator) -> torch.device:
    return DEVICE if generator._cdata in REMOTE_STREAMS else CPU


class _Dispatch(TorchDispatchMode):
    """Runs every operation on the numbers, by the rules of two devices."""

    def __init__(self, waits: Counter[Wait]) -> None:
        super().__init__()
        self.waits = waits

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs, name = dict(kwargs or {}), func.overloadpacket.__name__
        remote: list[Remote] = []
        local: list[Tensor] = []
        numbers = _unwrapped(args, remote, local), {key: _unwrapped(value, remote, local) for key, value in kwargs.items()}
        target = _target(name, args, kwargs, bool(remote))
        if remote and local and name not in ("_to_copy", "copy_"):
            _refuse_mixed(func, name, local)
        _refuse_generator(func, kwargs, target)
        self._count(name, args, remote, target)
        if kwargs.get("device") is not None:
            numbers[1]["device"] = CPU
        if name == "_efficientzerotensor":  # has no memory, which operations below this one do not know
            func = torch.ops.aten.zeros.default
        return _placed(func(*numbers[0], **numbers[1]), remote, target)

    def _count(self, name: str, args: Any, remote: list[Remote], target: torch.device) -> None:
        """One wait more, if the operation makes the CPU wait for the device."""
        if name in ("_to_copy", "copy_"):
            source = args[0] if name == "_to_copy" else args[1]
            if isinstance(source, Remote) != (target == DEVICE):
                self.waits[Wait(COPY, _place())] += 1
        elif remote and name in WAITS:
            self.waits[Wait(WAITS[name], _place())] += 1
        elif remote and name in INDEXED:
            indices = [index for index in args[1] if index is not None]
            masks = [index for index in indices if index.dtype in (torch.bool, torch.uint8)]
            filled = name != "index" and args[2].numel() == 1 and len(masks) == len(indices)  # torch fills where a mask says so
            if masks and not filled:
                self.waits[Wait(SIZE, _place())] += 1
            if not all(isinstance(index, Remote) for index in indices):
                self.waits[Wait(COPY, _place())] += 1


class _Functions(TorchFunctionMode):
    """Data of Python are made on the CPU and copied, and lists come from a copy: what torch does not do for ``meta`` by itself."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func is torch.Tensor.tolist and args[0].device == DEVICE:
            return args[0].to("cpu").tolist()
        if func in (torch.Tensor.__getitem__, torch.Tensor.__setitem__) and args[0].device == DEVICE:
            args = (args[0], _on_device(args[1]), *args[2:])
        if func is torch.Tensor.new_tensor and args[0].device == DEVICE:
            words = {"dtype": args[0].dtype, "device": DEVICE} | kwargs
            return self.__torch_function__(torch.tensor, types, args[1:], words)
        made = func in (torch.tensor, torch.as_tensor) and not isinstance(args[0], Tensor)
        if made and kwargs.get("device") is not None and torch.device(kwargs["device"]) == DEVICE:
            return func(*args, **kwargs | {"device": "cpu"}).to(DEVICE)
        return func(*args, **kwargs)


def _on_device(index: Any) -> Any:
    """An index whose lists are tensors of the device, as torch makes them of lists."""
    if isinstance(index, tuple):
        return tuple(_on_device(part) for part in index)
    return torch.tensor(index).to(DEVICE) if isinstance(index, list) else index


def _target(name: str, args: Any, kwargs: dict[str, Any], any_remote: bool) -> torch.device:
    """Where the result of an operation lies."""
    if kwargs.get("device") is not None:
        return torch.device(kwargs["device"])
    if name == "copy_":
        return args[0].device
    return DEVICE if any_remote else CPU


def _refuse_mixed(func: Any, name: str, local: list[Tensor]) -> None:
    """Raise where CUDA would: operands of the CPU beside those of the device."""
    elementwise = torch.Tag.pointwise in func.tags or name in SINGLE_NUMBERS
    allowed = [
        tensor
        for tensor in local
        if (elementwise and tensor.ndim == 0)
        or (name in INDEXED and tensor.dtype in (torch.long, torch.int, torch.bool, torch.uint8))
    ]
    if len(allowed) < len(local):
        shapes = [tuple(tensor.shape) for tensor in local]
        raise RuntimeError(f"{func} expected all tensors on the same device, but those of shape {shapes} are on the CPU")


def _refuse_generator(func: Any, kwargs: dict[str, Any], target: torch.device) -> None:
    """Raise where CUDA would: numbers for one device from a generator of another, or from none."""
    if torch.Tag.nondeterministic_seeded not in func.tags:
        return
    generator = kwargs.get("generator")
    if generator is None:
        raise RuntimeError(f"{func} draws from the global generator: hand on the one that was given")
    if _stream_of(generator) != target:
        raise RuntimeError(f"{func} expected a generator on {target}, but it is on {_stream_of(generator)}")


def _unwrapped(value: Any, remote: list[Remote], local: list[Tensor]) -> Any:
    """An argument with numbers in place of tensors of the device; notes which tensors there are."""
    if isinstance(value, Remote):
        remote.append(value)
        return value.numbers
    if isinstance(value, Tensor):
        local.append(value)
    elif isinstance(value, list | tuple):
        return type(value)([_unwrapped(part, remote, local) for part in value])
    return value


def _placed(value: Any, remote: list[Remote], target: torch.device) -> Any:
    """A result on its device; what was changed in place is the tensor that it was."""
    if isinstance(value, list | tuple):
        return type(value)([_placed(part, remote, target) for part in value])
    if not isinstance(value, Tensor):
        return value
    for tensor in remote:
        if tensor.numbers is value:
            return tensor
    return Remote(value) if target == DEVICE else value


def _place() -> str:
    """The innermost function of the library or of the study on the stack."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.split(".")[0] in ("ddlib", "ddbook"):
            return f"{module}.{frame.f_code.co_qualname}"
        frame = frame.f_back
    return "the test"


@contextmanager
def accelerator() -> Iterator[Counter[Wait]]:
    """The machine has the pretend device; yields how often the CPU has waited for it, by reason."""
    waits: Counter[Wait] = Counter()
    fused = mock.patch("torch.optim.optimizer._get_fused_kernels_supported_devices", lambda: ["cpu", DEVICE.type])
    with mock.patch.object(torch, "Generator", Generator), fused, _Functions(), _Dispatch(waits):
        yield waits


def moved(value: Any, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Any:
    """A value with every tensor in it on a device, and those of real numbers in a dtype; what holds none is the same object."""
    if isinstance(value, Tensor):
        return value.to(device=device or value.device, dtype=dtype if dtype and value.is_floating_point() else value.dtype)
    parts = _parts(value)
    new = {key: moved(part, device, dtype) for key, part in parts.items()}
    if all(new[key] is part for key, part in parts.items()):
        return value
    if isinstance(value, dict):
        return new
    if isinstance(value, list | tuple):
        return type(value)(*new.values()) if hasattr(value, "_fields") else type(value)(new.values())
    return dataclasses.replace(value, **new)


def tensors(value: Any) -> list[Tensor]:
    """Every tensor in a value."""
    return [value] if isinstance(value, Tensor) else [tensor for part in _parts(value).values() for tensor in tensors(part)]


def _parts(value: Any) -> dict[Any, Any]:
    """What a dictionary, a list, a tuple or a dataclass is made of."""
    if isinstance(value, dict):
        return value
    if isinstance(value, list | tuple):
        return dict(enumerate(value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value) if field.init}
    return {}
