"""The yardsticks of chapters 04 and 06: what the sources' measurements allow, and what clean patients would."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from ddbook.kit.merge.finite import complete_regret
from ddlib.dbn.likelihood.information import dimension, limits
from ddlib.dbn.model.network import Dbn, Graph, entropy
from ddlib.dbn.sources import Statistics


def bounds(graph: Graph, truth: Dbn, sources: Statistics, slices: int) -> pd.DataFrame:
    """What the data allow, one row per network.

    Columns: the number of parameters, the smallest share of information kept, the Cramér–Rao regret, the effective number of
    clean trajectories, dim/(2n) and its finite-n form for as many complete clean trajectories as the sources have, and the entropy.

    Args:
        graph: the known graphs; unrolled (:mod:`ddbook.chapters.merge.limit.untied`) if the transitions are not tied.
        truth: the true networks.
        sources: their sizes, hidden entries and noise.
        slices: the number of slices T.
    """
    found, size, n = limits(graph, truth, sources, slices), dimension(graph, slices), sources.size.sum(-1)
    values: dict[str, Float[Tensor, " R"]] = {
        "dimension": size,
        "kept": found.kept,
        "bound": found.bound,
        "effective": found.effective,
        "clean_bound": size / (2 * n),
        "finite": complete_regret(graph, n, slices),
        "entropy": entropy(truth, slices),
    }
    frame = pd.DataFrame({name: value.detach().cpu().numpy() for name, value in values.items()})
    return frame.assign(seed=np.arange(len(frame)))


def clean_expectation(graph: Graph, budgets: list[int], slices: int) -> pd.DataFrame:
    """The expected regret of n complete clean trajectories, n from the smallest to the largest budget: to first order and exactly.

    Columns: n, medians over the graphs of dim/(2n) and of its finite-n form, which is infinite where n is too small.
    """
    counts = np.unique(np.geomspace(min(budgets), max(budgets), 60).round().astype(int))
    size = dimension(graph, slices)
    exact = torch.stack([complete_regret(graph, float(n), slices) for n in counts]).median(-1).values
    return pd.DataFrame({"n": counts, "clean_bound": float(size.median()) / (2 * counts), "finite": exact.cpu().numpy()})
