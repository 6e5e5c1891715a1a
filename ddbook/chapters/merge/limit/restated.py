"""Other training risks of the merge, each as other sufficient statistics of the same sources.

The observed-data likelihood reads the sources through :class:`ddlib.dbn.sources.Statistics` alone. So to ignore the noise, to
shrink the estimate, or to ask only for consecutive visits is to change these, and one change serves the EM algorithm and
distillation alike.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from ddlib.dbn.sources import Statistics
from ddlib.dbn.task.merge_task import MergeTask


def restated(task: MergeTask, sources: Statistics) -> MergeTask:
    """The same task with these statistics in its training risk; the rows that a distilled set starts from stay as they are.

    Folds that it holds out (:meth:`ddlib.dbn.task.merge_task.MergeTask.held_out`) are of the sources as they were.
    """
    other = copy.copy(task)
    other.statistics = sources
    return other


def windows(sources: Statistics, slices: int, width: int = 2) -> Statistics:
    r"""Each source once for each window of consecutive slices, with the measurements outside of it hidden.

    The likelihood of these is the composite likelihood :math:`\sum_t \log p(y_t, \ldots, y_{t + w - 1})` (Lindsay 1988; Varin,
    Reid and Firth 2011): for a task that asks only how consecutive visits go together, it does not let longer dependence, about
    which the network may be wrong, weigh in.

    Raises:
        ValueError: if the window is not at least 2 and at most T slices wide.
    """
    if not 2 <= width <= slices:
        raise ValueError(f"a window needs 2 to {slices} slices, but {width} were asked for")
    parts: list[Statistics] = []
    time = torch.arange(slices, device=sources.mean.device).repeat_interleave(sources.mean.shape[-1] // slices)
    for t in range(slices - width + 1):
        inside = ((time >= t) & (time < t + width)).to(sources.mean.dtype)
        both: Tensor = inside.unsqueeze(-1) * inside
        parts.append(
            Statistics(sources.size, sources.mean * inside, sources.covariance * both, sources.observed * inside, sources.noise)
        )
    return Statistics(*(torch.cat(each, dim=1) for each in zip(*parts, strict=True)))
