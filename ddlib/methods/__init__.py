"""Ways of choosing a distilled set: a method is one file and one line here, and knows tasks only through ``ddlib.problem.Task``.

The exception is :mod:`ddlib.methods.exact`, whose closed forms are facts about particular tasks.
"""

from ddlib.methods.coreset import RandomRows
from ddlib.methods.exact import Exact, construct, factor, is_exact, serve_solutions
from ddlib.methods.quantise import KMeans
from ddlib.methods.truncated_svd import TruncatedSVD

__all__ = ["Exact", "KMeans", "RandomRows", "TruncatedSVD", "construct", "factor", "is_exact", "serve_solutions"]
