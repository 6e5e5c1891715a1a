"""Ways of choosing a distilled set: a method is one file and one line here, and knows tasks only through ``ddlib.problem.Task``.

What a method needs of a task beyond that protocol, it lists in ``requires`` (:class:`ddlib.requirement.Requirement`). Methods made
from a set or from another method are imported by module: :mod:`ddlib.methods.given` and :mod:`ddlib.methods.early_stopped`.
"""

from ddlib.closed_forms import factor, serve_solutions
from ddlib.methods.coreset import RandomRows
from ddlib.methods.derivative_free import DerivativeFree
from ddlib.methods.distribution_matching import DistributionMatching
from ddlib.methods.exact import Exact, construct, is_exact
from ddlib.methods.first_order import FirstOrder
from ddlib.methods.gradient_matching import GradientMatching
from ddlib.methods.herding import Herding
from ddlib.methods.implicit import Implicit
from ddlib.methods.k_center import KCenter
from ddlib.methods.kernel_inducing import KernelInducing, SolvedLabels, solved_labels
from ddlib.methods.quantise import KMeans
from ddlib.methods.trajectory_matching import TrajectoryMatching, from_moments, matched_moments
from ddlib.methods.truncated_svd import TruncatedSVD
from ddlib.methods.unrolled import Unrolled
from ddlib.methods.zeroth_order import ZerothOrder

__all__ = [
    "DerivativeFree",
    "DistributionMatching",
    "Exact",
    "FirstOrder",
    "GradientMatching",
    "Herding",
    "Implicit",
    "KCenter",
    "KMeans",
    "KernelInducing",
    "RandomRows",
    "SolvedLabels",
    "TrajectoryMatching",
    "TruncatedSVD",
    "Unrolled",
    "ZerothOrder",
    "construct",
    "factor",
    "from_moments",
    "is_exact",
    "matched_moments",
    "serve_solutions",
    "solved_labels",
]
