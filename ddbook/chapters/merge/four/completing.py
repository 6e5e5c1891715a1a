"""Ways that handle missing cells by a machine of their own: multiple imputation, and boosted trees."""

from __future__ import annotations

import warnings
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.special import expit, logit

from ddbook.chapters.merge.four.cohort import Cohort, dummies, encoded
from ddbook.chapters.merge.four.penalised import fitted_logistic, log_losses, with_constant
from ddbook.chapters.merge.four.rows import Score


@dataclass(frozen=True)
class MultipleImputation:
    """Chained equations with the hospital as a column: scikit-learn's IterativeImputer, draws from Bayesian ridge regressions.

    The diagnosis is not among the columns: a new patient has none. The probabilities of the regressions on the completed tables are
    averaged.

    Attributes:
        draws: completed tables.
        rounds: over all columns.
    """

    name: str = "multiple_imputation"
    draws: int = 5
    rounds: int = 5

    def fit(self, train: Cohort, seed: int) -> Score:
        from sklearn.experimental import enable_iterative_imputer  # noqa: F401
        from sklearn.impute import IterativeImputer

        made: list[tuple[Any, np.ndarray]] = []
        for draw in range(self.draws):
            imputer = IterativeImputer(
                sample_posterior=True,
                max_iter=self.rounds,
                random_state=(seed + draw) % 2**32,
                skip_complete=True,
                keep_empty_features=True,
            )
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that draws have not converged: they never do
                complete = imputer.fit_transform(_columns(train))
            made.append((imputer, fitted_logistic(complete, train.disease, seed)))

        def score(cohort: Cohort) -> Float[np.ndarray, " n"]:
            columns = _columns(cohort)
            shares = [
                expit(with_constant(deepcopy(imputer).transform(columns)) @ theta)  # whose draws begin anew
                for imputer, theta in made
            ]
            return logit(np.clip(np.mean(shares, axis=0), 1e-6, 1 - 1e-6))

        return score


def _columns(cohort: Cohort) -> Float[np.ndarray, "n p"]:
    return np.column_stack([encoded(cohort), dummies(cohort)])


@dataclass(frozen=True)
class Boosting:
    """Gradient boosting with missing values and the hospital as a category (scikit-learn's), its length chosen in five folds.

    Attributes:
        rate: the learning rate.
        most: trees at most.
        leaves: of a tree.
    """

    name: str = "boosting"
    rate: float = 0.06
    most: int = 160
    leaves: int = 6

    def fit(self, train: Cohort, seed: int) -> Score:
        known = [len(np.unique(column[~np.isnan(column)])) > 1 for column in train.values.T]  # others say nothing, and are refused
        kept = np.array([True, *known])
        x, fold = _raw(train)[:, kept], np.random.default_rng(seed).permutation(train.size) % 5
        losses = np.zeros(self.most)
        for number in range(5):
            out = fold == number
            model = self._boosted(self.most, seed).fit(x[~out], train.disease[~out])
            for length, score in enumerate(model.staged_decision_function(x[out])):
                losses[length] += log_losses(score.ravel(), train.disease[out]).sum()
        final = self._boosted(int(losses.argmin()) + 1, seed).fit(x, train.disease)
        return lambda cohort: final.decision_function(_raw(cohort)[:, kept])

    def _boosted(self, trees: int, seed: int) -> Any:
        from sklearn.ensemble import HistGradientBoostingClassifier

        return HistGradientBoostingClassifier(
            learning_rate=self.rate,
            max_iter=trees,
            max_leaf_nodes=self.leaves,
            min_samples_leaf=15,
            l2_regularization=1.0,
            categorical_features=[0],
            early_stopping=False,
            random_state=seed,
        )


def _raw(cohort: Cohort) -> Float[np.ndarray, "n d+1"]:
    return np.column_stack([cohort.hospital, cohort.values])
