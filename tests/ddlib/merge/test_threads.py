"""A merge uses no more threads than it was given, and two at most."""

import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from ddlib.merge.threads import few_threads


@pytest.mark.parametrize(("given", "used"), [(1, 1), (4, 2)])
def test_threads_are_limited_and_never_raised(given, used):
    before = torch.get_num_threads()
    torch.set_num_threads(given)
    try:
        with threadpool_limits(limits=given), few_threads():
            assert torch.get_num_threads() <= used
            assert max(pool["num_threads"] for pool in threadpool_info()) <= used
        assert torch.get_num_threads() == given
    finally:
        torch.set_num_threads(before)
