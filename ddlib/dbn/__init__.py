"""Linear-Gaussian dynamic Bayesian networks in batched torch, and the merge of hospitals that measure different variables.

Where to look: :mod:`ddlib.dbn.model` has the networks, their exact law, fit and complete-data likelihood, :mod:`ddlib.dbn.sources`
the hospitals, :mod:`ddlib.dbn.likelihood` the observed-data likelihood, EM and information, :mod:`ddlib.dbn.estimators` estimators
of a network from hospitals, :mod:`ddlib.dbn.rivals` other ways of merging, :mod:`ddlib.dbn.task` the task, :mod:`ddlib.dbn.methods`
how its sets are chosen. The bridge to pgmpy needs the extra ``pgmpy`` and is imported by name.
"""

from ddlib.dbn.likelihood.observed import Em, em, expected_trajectories, observed_log_likelihood
from ddlib.dbn.methods.baselines import CarriedEm, CleanSubset, carried, ceiling, clean_trajectories, estimate_by_em
from ddlib.dbn.methods.sufficient import SufficientRows, exact_trajectories, sufficient_rows, trajectories_needed
from ddlib.dbn.model.generate import random_graphs, random_networks, sample
from ddlib.dbn.model.moments import Moments, expected_log_likelihood, fit_moments, log_likelihood, mle, trajectory_moments
from ddlib.dbn.model.network import Dbn, Gaussian, Graph, entropy, joint, spectral_radius
from ddlib.dbn.sources import Sources, Statistics, draw_sources, pairs_observed, random_pattern, statistics
from ddlib.dbn.task.merge_task import MergeTask

__all__ = [
    "CarriedEm",
    "CleanSubset",
    "Dbn",
    "Em",
    "Gaussian",
    "Graph",
    "MergeTask",
    "Moments",
    "Sources",
    "Statistics",
    "SufficientRows",
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
