r"""One trial of a method: distil, take the time, keep the start and the sets on the way; then fresh learners, and tidy rows.

A trial notes every setting of its method, task, budget and random numbers (:mod:`ddlib.settings`), and its rows carry them as
columns, so that two rows can be compared setting by setting: whoever says that one thing made the difference can be checked.

Tables need pandas, which is imported where they are made; everything else does without.
"""

from ddlib.trial.run import Scores, Trial, fresh_scores, given, log_spaced, retrained_risk, run_trial
from ddlib.trial.tables import curve, efficiency, tidy, transfer_table

__all__ = [
    "Scores",
    "Trial",
    "curve",
    "efficiency",
    "fresh_scores",
    "given",
    "log_spaced",
    "retrained_risk",
    "run_trial",
    "tidy",
    "transfer_table",
]
