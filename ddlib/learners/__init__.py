"""General inference procedures: what a task makes of a set of data. They know nothing of tasks or methods."""

from ddlib.learners.bayesian_linear import BayesianLinear, Posterior
from ddlib.learners.estimators import Estimators
from ddlib.learners.forest import RandomForest, RegressionForest
from ddlib.learners.kernel_ridge import KernelModel, KernelRidge, kernel_ridge
from ddlib.learners.kernels import NTK, RBF, Kernel, Linear
from ddlib.learners.least_absolute import absolute_objective, least_absolute
from ddlib.learners.logistic import logistic, logistic_objective
from ddlib.learners.module import ModuleNetwork
from ddlib.learners.nearest import NearestNeighbour
from ddlib.learners.network import Network
from ddlib.learners.random_features import RandomFeatures
from ddlib.learners.ridge import ridge, ridge_objective
from ddlib.learners.softmax import SoftmaxRegression
from ddlib.learners.trained import ModuleLearner, TrainedNetwork
from ddlib.learners.training import Training

__all__ = [
    "NTK",
    "RBF",
    "BayesianLinear",
    "Estimators",
    "Kernel",
    "KernelModel",
    "KernelRidge",
    "Linear",
    "ModuleLearner",
    "ModuleNetwork",
    "NearestNeighbour",
    "Network",
    "Posterior",
    "RandomFeatures",
    "RandomForest",
    "RegressionForest",
    "SoftmaxRegression",
    "TrainedNetwork",
    "Training",
    "absolute_objective",
    "kernel_ridge",
    "least_absolute",
    "logistic",
    "logistic_objective",
    "ridge",
    "ridge_objective",
]
