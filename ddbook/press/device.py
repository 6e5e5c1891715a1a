"""A GPU that is asked for has to be there before anything starts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ddbook.press.annotations import options
from ddbook.press.parameters import Parameter
from ddlib.files import InputError


def check_device(schema: Mapping[str, Parameter], values: Iterable[Any]) -> None:
    """Refuse ``cuda`` for a parameter ``device`` that offers it, on a machine where torch sees no GPU.

    Only where a run is to start: what is planned for a cluster may be planned elsewhere. Torch takes seconds to import, so it is
    asked only by who asks for a GPU.

    Args:
        schema: of the notebook.
        values: that the device is to have.

    Raises:
        InputError: if there is no GPU.
    """
    if "device" not in schema or "cuda" not in options(schema["device"].kind) or "cuda" not in values:
        return
    import torch

    if not torch.cuda.is_available():
        raise InputError(
            f"device is 'cuda' ({schema['device'].meaning}), but torch sees no GPU on this machine: give device=cpu, or run it on "
            "one where `nvidia-smi` shows a GPU and torch is installed for CUDA"
        )
