"""Linear-Gaussian dynamic Bayesian networks in batched torch, and the merge of hospitals that measure different variables.

Where to look: :mod:`ddlib.dbn.model` has the networks and their exact law, :mod:`ddlib.dbn.moments` the fit and the likelihood,
:mod:`ddlib.dbn.sources` the hospitals, :mod:`ddlib.dbn.observed` the observed-data likelihood and EM, :mod:`ddlib.dbn.merge_task`
the task, :mod:`ddlib.dbn.rivals` other ways of merging, :mod:`ddlib.dbn.tables` the merge of anybody's tables. Each chapter has its
experiment and pictures in a package: ``corrected``, ``published``, ``limit`` and ``hospitals``. These and the bridge to pgmpy need
the ``book`` extra and are imported by name.
"""

from ddlib.dbn.baselines import CarriedEm, CleanSubset, carried, ceiling, clean_trajectories, estimate_by_em
from ddlib.dbn.generate import random_graphs, random_networks, sample
from ddlib.dbn.merge_task import MergeTask
from ddlib.dbn.model import Dbn, Gaussian, Graph, entropy, joint, spectral_radius
from ddlib.dbn.moments import Moments, expected_log_likelihood, fit_moments, log_likelihood, mle, trajectory_moments
from ddlib.dbn.observed import Em, em, expected_trajectories, observed_log_likelihood
from ddlib.dbn.sources import Sources, Statistics, draw_sources, pairs_observed, random_pattern, statistics
from ddlib.dbn.sufficient import SufficientRows, exact_trajectories, sufficient_rows, trajectories_needed
from ddlib.dbn.tables import Merged, TableError, merge

__all__ = [
    "CarriedEm",
    "CleanSubset",
    "Dbn",
    "Em",
    "Gaussian",
    "Graph",
    "MergeTask",
    "Merged",
    "Moments",
    "Sources",
    "Statistics",
    "SufficientRows",
    "TableError",
    "carried",
    "ceiling",
    "clean_trajectories",
    "draw_sources",
    "em",
    "entropy",
    "estimate_by_em",
    "exact_trajectories",
    "expected_log_likelihood",
    "expected_trajectories",
    "fit_moments",
    "joint",
    "log_likelihood",
    "merge",
    "mle",
    "observed_log_likelihood",
    "pairs_observed",
    "random_graphs",
    "random_networks",
    "random_pattern",
    "sample",
    "spectral_radius",
    "statistics",
    "sufficient_rows",
    "trajectories_needed",
    "trajectory_moments",
]
