"""The merge with a ridge on the weights in its training risk (:mod:`ddlib.dbn.estimators.ridge`)."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from ddlib.dbn.estimators.ridge import Ridge, penalty, ridge
from ddlib.dbn.model.network import Dbn
from ddlib.dbn.task.merge_task import MergeTask
from ddlib.problem import Split


class RidgeMerge(MergeTask):
    """A merge task with a ridge in its training risk."""

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
