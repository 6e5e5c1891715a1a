"""The ledger of claims: what the paper and this book state, and what the numbers of a run say about it."""

from ddbook.press.claims.ledger import Claim, Statistic, read_ledger
from ddbook.press.claims.results import Results, measure
from ddbook.press.claims.verdict import Finding, Judged, State, judge, worse_than_recorded

__all__ = [
    "Claim",
    "Finding",
    "Judged",
    "Results",
    "State",
    "Statistic",
    "judge",
    "measure",
    "read_ledger",
    "worse_than_recorded",
]
