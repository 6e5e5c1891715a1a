"""Other ways of merging, side by side: each takes known graphs and the sources and gives one network per replicate.

All of them exist with the noise ignored, as its absence from most software has it, and with its known variance subtracted, so that
they know what EM knows. Those that can fail give a network of not-a-number in the replicates where they do.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ddlib.dbn.model.network import Dbn, Graph
from ddlib.dbn.rivals.available_cases import available_case
from ddlib.dbn.rivals.federated import federated_averaging
from ddlib.dbn.rivals.imputation import chained_equations, mean_imputation
from ddlib.dbn.sources import Sources

__all__ = ["RIVALS", "RIVALS_IGNORING_NOISE", "Rival"]

Rival = Callable[[Graph, Sources], Dbn]
"""A way of merging: from known graphs and sources to one network per replicate."""

RIVALS: dict[str, Rival] = {
    "available_case": partial(available_case, noise="subtracted"),
    "available_case_repaired": partial(available_case, noise="subtracted", repair=True),
    "mean_imputation": partial(mean_imputation, noise="subtracted"),
    "chained_equations": partial(chained_equations, noise="subtracted"),
    "federated": partial(federated_averaging, noise="subtracted"),
}
"""With the known noise subtracted."""

RIVALS_IGNORING_NOISE: dict[str, Rival] = {
    "available_case": available_case,
    "available_case_repaired": partial(available_case, repair=True),
    "mean_imputation": mean_imputation,
    "chained_equations": chained_equations,
    "federated": federated_averaging,
}
"""With the noise left in."""
