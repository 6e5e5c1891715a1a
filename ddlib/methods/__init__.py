"""Ways of choosing a distilled set: a method is one file and one line here, and knows tasks only through ``ddlib.problem.Task``.

The exception is :mod:`ddlib.methods.exact`, whose closed forms are facts about particular tasks.
"""

from ddlib.methods.coreset import RandomRows
from ddlib.methods.exact import Exact, construct, factor, is_exact, serve_solutions
from ddlib.methods.first_order import FirstOrder
from ddlib.methods.quantise import KMeans
from ddlib.methods.truncated_svd import TruncatedSVD
from ddlib.methods.zeroth_order import ZerothOrder

__all__ = [
    "Exact",
    "FirstOrder",
    "KMeans",
    "RandomRows",
    "TruncatedSVD",
    "ZerothOrder",
    "construct",
    "factor",
    "is_exact",
    "serve_solutions",
]
