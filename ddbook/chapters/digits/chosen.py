"""The learners that are trained on distilled sets, the methods, and the settings that ``ddbook.chapters.digits.tuning`` chose."""

from __future__ import annotations

from ddlib.learners import NTK, RBF, KernelRidge, Network, RandomForest, SoftmaxRegression, TrainedNetwork, Training

KERNEL = KernelRidge(RBF(1.75), 1e-3, name="kernel ridge, RBF")
TANGENT = KernelRidge(NTK(1), 1e-3, name="kernel ridge, NTK")
ADAM = TrainedNetwork(Network((64,), scale=0.1), Training(60, 0.04, epsilon=3e-3), name="network, Adam")
SGD = TrainedNetwork(Network((64,), scale=0.3), Training(200, 1.0, "sgd"), name="network, SGD")
FOREST = RandomForest(trees=100)
LOGISTIC = SoftmaxRegression(0.1, name="logistic")
MATCHED = SGD.network
"""The network whose gradients, features and trajectories are matched: the one that ``SGD`` trains."""

CLOSED = ("random", "herding", "k_center", "k_means", "solved_labels_random", "solved_labels")
"""The methods without steps."""

STEPS = {
    "distribution_matching": 200,
    "gradient_matching": 150,
    "gradient_matching_cosine": 150,
    "trajectory_matching": 150,
    "kernel_inducing": 300,
    "kernel_inducing_labels": 300,
    "unrolled": 100,
    "unrolled_truncated": 150,
    "implicit": 15,
    "zeroth_order_antithetic": 40,
}
"""Updates at an effort of one."""

STEP_SIZES = {
    "distribution_matching": (0.02, 0.005),
    "gradient_matching": (0.02, 0.005),
    "gradient_matching_cosine": (0.02, 0.005),
    "trajectory_matching": (0.02, 0.02),
    "kernel_inducing": (0.05, 0.05),
    "kernel_inducing_labels": (0.05, 0.05),
    "unrolled": (0.02, 0.02),
    "unrolled_truncated": (0.02, 0.02),
    "implicit": (0.08, 0.02),
    "zeroth_order_antithetic": (0.8, 0.2),
}
"""For at most ``FEW`` points and for more, as chosen by :mod:`ddbook.chapters.digits.tuning`."""

FEW = 30
METHODS = [*CLOSED, *STEPS]

TASK_FREE = ("random", "herding", "k_center", "k_means")
"""The methods that look at no learner."""

OWN = dict.fromkeys([*CLOSED, "kernel_inducing", "kernel_inducing_labels"], KERNEL.name) | {
    "distribution_matching": SGD.name,
    "gradient_matching": SGD.name,
    "gradient_matching_cosine": SGD.name,
    "trajectory_matching": SGD.name,
    "unrolled": ADAM.name,
    "unrolled_truncated": ADAM.name,
    "implicit": LOGISTIC.name,
    "zeroth_order_antithetic": "1-NN",
}
"""The learner that a method looks at, or that it is compared on where it looks at none.

The three matching methods look at the network that ``SGD`` trains: distribution matching at its features before training, gradient
matching at its first gradients, trajectory matching at its first steps.
"""
