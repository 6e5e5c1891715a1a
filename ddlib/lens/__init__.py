"""How good a distilled set is and how faithful a method: certificates, the cross-task view, surrogate against risk."""

from ddlib.lens.certificates import (
    cross_task,
    one_point_lower_bound,
    relative_regret,
    ridge_lower_bound,
    ridge_regret_bound,
    untrained,
)
from ddlib.lens.faithfulness import (
    Surrogate,
    cloud,
    distinct,
    faithfulness,
    gradient_cosine,
    kendall,
    scores,
    stacked,
)

__all__ = [
    "Surrogate",
    "cloud",
    "cross_task",
    "distinct",
    "faithfulness",
    "gradient_cosine",
    "kendall",
    "one_point_lower_bound",
    "relative_regret",
    "ridge_lower_bound",
    "ridge_regret_bound",
    "scores",
    "stacked",
    "untrained",
]
