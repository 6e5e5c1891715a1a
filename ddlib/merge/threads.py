"""The number of threads: the matrices of a merge are small, and threads wait for each other longer than they work."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from threadpoolctl import threadpool_limits

_MOST = 1
"""Threads of a merge: on a busy machine two took forty times the processor time of one."""


@contextlib.contextmanager
def few_threads(most: int = _MOST) -> Iterator[None]:
    """At most so many threads for linear algebra in a ``with`` block, whatever the environment says."""
    before = torch.get_num_threads()
    fewer = min(most, before)
    torch.set_num_threads(fewer)
    try:
        with threadpool_limits(limits=fewer):
            yield
    finally:
        torch.set_num_threads(before)
