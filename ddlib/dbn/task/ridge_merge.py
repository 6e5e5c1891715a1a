"""The merge with a ridge on the weights in its training risk (:mod:`ddlib.dbn.estimators.ridge`)."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from ddlib.dbn.estimators.ridge import Ridge, penalty, ridge
from ddlib.dbn.model.network import Dbn
from ddlib.dbn.task.merge_task import MergeTask
from ddlib.problem import Split

__all__ = ["RidgeMerge"]


class RidgeMerge(MergeTask):
    """A merge task with a ridge in its training risk.

    >>> import torch
    >>> from ddlib.dbn import draw_sources, random_networks, random_pattern
    >>> generator = torch.Generator().manual_seed(0)
    >>> graph, truth = random_networks(1, 3, generator)
    >>> task = MergeTask(graph, truth, draw_sources(truth, random_pattern(1, 2, 4, 3, generator), 20, generator))
    >>> ridged = RidgeMerge(task, share=0.1)
    >>> bool(ridged.risk(truth) > task.risk(truth)), bool(ridged.risk(truth, "test") == task.risk(truth, "test"))
    (True, True)
    """

    def __init__(self, task: MergeTask, share: float | Ridge) -> None:
        """State the task.

        Args:
            task: the merge without it.
            share: κ over the number of all patients, or the ridge itself.
        """
        vars(self).update(vars(task))
        self.name = f"{task.name}_ridge"
        self.strength: Ridge = share if isinstance(share, Ridge) else ridge(task.graph, task.statistics, task.slices, share)

    def risk(self, model: Dbn, split: Split = "train") -> Float[Tensor, "*R"]:
        """As of the task without a ridge, plus the penalty on the training split."""
        plain = super().risk(model, split)
        return plain + penalty(model, self.strength, self.slices) if split == "train" else plain
