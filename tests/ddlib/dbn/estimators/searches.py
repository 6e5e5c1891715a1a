"""Tests of independence and searches one after the other, by direct regressions, that the tests of structures share."""

import itertools
import math

import numpy as np
import torch
from scipy import stats

from ddlib.dbn.model.network import topological_order
from tests.ddlib.dbn.world import generator


def p_value(x, i, j, given_):
    """Of the correlation of the residuals on some columns, with the degrees of freedom that these cost; 1 if none is left."""
    freedom = len(x) - 2 - len(given_)
    if freedom < 1:
        return 1.0
    regressors = np.column_stack([np.ones(len(x)), x[:, list(given_)]])
    left = x[:, [i, j]] - regressors @ np.linalg.lstsq(regressors, x[:, [i, j]], rcond=None)[0]
    correlation = np.clip(stats.pearsonr(*left.T).statistic, -1, 1)
    return 2 * stats.t.sf(abs(correlation) * math.sqrt(freedom / max(1 - correlation**2, 1e-300)), freedom)


def sets(of, most):
    return itertools.chain.from_iterable(itertools.combinations(of, size) for size in range(min(len(of), most) + 1))


def by_hand(x, pairs, level=0.05, most=99):
    """The neighbours of each column, one test after the other."""
    sides = []
    for i in range(x.shape[1]):
        alone = {j: p_value(x, i, j, ()) for j in np.flatnonzero(pairs[i])}
        entered = []
        for j in sorted(alone, key=alone.get):
            if alone[j] <= level and all(p_value(x, i, j, some) <= level for some in sets(entered, most)):
                entered.append(j)
        others = {j: [k for k in entered if k != j] for j in entered}
        sides.append({j for j in entered if all(p_value(x, i, j, some) <= level for some in sets(others[j], most))})
    return np.array([[j in sides[i] and i in sides[j] for j in range(x.shape[1])] for i in range(x.shape[1])])


def every(replicates, variables):
    return ~torch.eye(variables, dtype=torch.bool).repeat(replicates, 1, 1)


def drawn(seed, replicates, number, variables):
    """Rows of mixed columns, so that many are dependent."""
    draw = generator(seed)
    mix = torch.randn(replicates, variables, variables, dtype=torch.float64, generator=draw).triu()
    return torch.randn(replicates, number, variables, dtype=torch.float64, generator=draw) @ mix


def covariances(x):
    centred = x - x.mean(-2, keepdim=True)
    return centred.mT @ centred / x.shape[-2], torch.full((len(x),), float(x.shape[-2]), dtype=torch.float64)


def unbiased(covariance, mask, number):
    """bnlearn's score by direct regressions: each row's Gaussian log-density at the unbiased variance, less the BIC's penalty."""
    total = 0.0
    for i, parents in enumerate(mask):
        p = np.flatnonzero(parents)
        freedom = number - len(p) - 1
        left = covariance[i, i] - covariance[i, p] @ np.linalg.solve(covariance[np.ix_(p, p)], covariance[p, i])
        variance = number * left / freedom
        total += -number / 2 * np.log(2 * np.pi * variance) - freedom / 2 - np.log(number) / 2 * (len(p) + 2)
    return total


def climbed(covariance, allowed, number):
    """Greedy search that scores whole graphs; of equal gains the first parent's, then the first child's, is taken."""
    mask = np.zeros_like(allowed)
    while True:
        moves = [(0.0, mask)]
        for parent, child in itertools.product(range(len(mask)), repeat=2):
            if not allowed[child, parent]:
                continue
            changed = [mask.copy()]
            changed[0][child, parent] ^= True
            if mask[parent, child]:
                changed = []
            if mask[child, parent] and allowed[parent, child]:
                changed.append(changed[0].copy())
                changed[1][parent, child] = True
            for other in changed:
                if acyclic(other):
                    moves.append((unbiased(covariance, other, number) - unbiased(covariance, mask, number), other))
        gain = max(value for value, _ in moves)
        if gain < 1e-6:
            return mask
        mask = next(other for value, other in moves if value > gain - 1e-8)


def acyclic(mask):
    try:
        topological_order(torch.as_tensor(mask)[None])
    except ValueError:
        return False
    return True
