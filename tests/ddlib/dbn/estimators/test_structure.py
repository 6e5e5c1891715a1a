"""Structure search: pgmpy's search and score as oracles, and what every result has to satisfy."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ddlib.dbn import pgmpy_bridge
from ddlib.dbn.estimators.hill_climbing import TIE, hill_climb
from ddlib.dbn.estimators.structure import bic, learn_graph, structural_hamming_distance
from ddlib.dbn.model.generate import random_networks, sample
from ddlib.dbn.model.moments import Moments, trajectory_moments
from ddlib.dbn.model.network import Graph, topological_order
from tests.ddlib.dbn.estimators.searches import acyclic
from tests.ddlib.dbn.world import generator


def rows(seed=0, replicates=3, variables=4, number=60, slices=2):
    draw = generator(seed)
    graph, truth = random_networks(replicates, variables, draw)
    return graph, sample(truth, number, slices, draw)


def theirs(covariance, number, variables, most=3, extra=0.0):
    """pgmpy's search with a Gaussian BIC read from a covariance; of the variables only the first ones have parents.

    pgmpy takes moves of equal gain in the order of a set; our rule, first by parent and then by child, is put in the score.
    """
    import pandas as pd
    from pgmpy.causal_discovery import ExpertKnowledge, HillClimbSearch
    from pgmpy.structure_score import BaseStructureScore

    class FromCovariance(BaseStructureScore):
        _tags = {"name": "covariance-bic", "supported_datatype": "continuous", "default_for": None, "is_parameteric": False}  # noqa: RUF012

        def _local_score(self, variable, parents):
            i, p = int(variable[1:]), [int(name[1:]) for name in parents]
            slope = np.linalg.solve(covariance[np.ix_(p, p)], covariance[p, i])
            variance = covariance[i, i] - slope @ covariance[p, i]
            cost = math.log(number) / 2 * (len(p) + 2) + extra * len(p)
            cost += TIE * sum(i + variables * j for j in p if j < variables)
            return -number / 2 * (math.log(2 * math.pi * variance) + 1) - cost

    names = [f"v{i}" for i in range(len(covariance))]
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(9, len(names))), columns=names)
    score = FromCovariance(table)
    forbidden = [(a, b) for a in names for b in names[variables:] if a != b]
    search = HillClimbSearch(
        score,
        tabu_length=0,
        max_indegree=most,
        expert_knowledge=ExpertKnowledge(forbidden_edges=forbidden) if forbidden else None,
        return_type="dag",
        epsilon=1e-6,
        show_progress=False,
    )
    mask = np.zeros((variables, len(names)), dtype=bool)
    for parent, child in search.fit(table).causal_graph_.edges():
        mask[int(child[1:]), int(parent[1:])] = True
    return mask


def total_score(covariance, mask, number, extra=0.0):
    """The score of a graph by direct regressions."""
    total = 0.0
    for i, parents in enumerate(mask):
        p = np.flatnonzero(parents)
        slope = np.linalg.solve(covariance[np.ix_(p, p)], covariance[p, i])
        variance = covariance[i, i] - slope @ covariance[p, i]
        total -= number / 2 * (math.log(2 * math.pi * variance) + 1) + math.log(number) / 2 * (len(p) + 2) + extra * len(p)
    return total


@pytest.mark.parametrize(("number", "extra"), [(12, 0.0), (60, 0.0), (400, 0.0), (60, 2.0)])
def test_the_transition_search_ends_where_pgmpys_does(number, extra):
    _, x = rows(number, replicates=4, number=number)
    pair = trajectory_moments(x).pair_covariance
    found = hill_climb(pair, torch.full((4,), float(number)), 4, extra=extra)
    for r in range(4):
        mask = theirs(pair[r].numpy(), number, 4, extra=extra)
        ours, score = (total_score(pair[r].numpy(), graph, number, extra) for graph in (found[r].numpy(), mask))
        assert (mask == found[r].numpy()).all() and ours == score


@pytest.mark.parametrize("seed", [5, 6])
def test_the_first_slice_search_ends_where_pgmpys_does(seed):
    _, x = rows(seed, replicates=3, variables=6, number=80)
    first = trajectory_moments(x).first_covariance
    found = hill_climb(first, torch.full((3,), 80.0), 6, most_parents=2)
    for r in range(3):
        assert (theirs(first[r].numpy(), 80, 6, most=2) == found[r].numpy()).all()


def test_the_score_is_pgmpys():
    from pgmpy.structure_score import BICGauss

    graph, x = rows(1, replicates=2, number=50)
    ours = bic(trajectory_moments(x), graph, 50, 50)
    for r in range(2):
        first, pairs = BICGauss(pgmpy_bridge.frame(x[r, :, :1])), BICGauss(pgmpy_bridge.pair_frame(x[r]))
        expected = 0.0
        for i in range(4):
            within, now = graph.first[r, i].nonzero().flatten().tolist(), graph.intra[r, i].nonzero().flatten().tolist()
            before = graph.inter[r, i].nonzero().flatten().tolist()
            expected += first.local_score(f"x{i}_0", tuple(f"x{j}_0" for j in within))
            expected += pairs.local_score(f"x{i}_1", tuple([f"x{j}_1" for j in now] + [f"x{j}_0" for j in before]))
        assert ours[r].item() == pytest.approx(expected, rel=1e-9)


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    variables=st.integers(2, 7),
    most=st.integers(1, 4),
    number=st.integers(8, 60),
    gamma=st.sampled_from([0.0, 0.5]),
)
def test_no_single_move_improves_a_result(seed, variables, most, number, gamma):
    """Acyclic, within the in-degree, and a local maximum over additions, deletions and reversals."""
    x = torch.randn(2, number, 2, variables, dtype=torch.float64, generator=generator(seed)).cumsum(-1)
    moments = trajectory_moments(x)
    graph = learn_graph(moments, number, number, most, gamma)
    topological_order(graph.intra)
    topological_order(graph.first)
    mask = torch.cat([graph.intra, graph.inter], -1)
    assert int(mask.sum(-1).max()) <= most
    extra = 2 * gamma * math.log(variables)
    for r in range(2):
        covariance, now = moments.pair_covariance[r].numpy(), mask[r].numpy()
        reached = total_score(covariance, now, number, extra)
        for i, j in itertools.product(range(variables), range(2 * variables)):
            if i == j:
                continue
            changed = [now.copy()]
            changed[0][i, j] ^= True
            if now[i, j] and j < variables:
                changed.append(changed[0].copy())
                changed[1][j, i] = True
            for other in changed:
                if other.sum(-1).max() <= most and acyclic(other[:, :variables]):
                    assert total_score(covariance, other, number, extra) <= reached + 1e-5


def test_a_batch_gives_what_single_searches_give():
    _, x = rows(2, replicates=6, variables=8, number=25)
    moments = trajectory_moments(x)
    counts = torch.randint(20, 200, (6,), generator=generator()).to(torch.float64)
    together = learn_graph(moments, counts, 25)
    for r in range(6):
        alone = learn_graph(Moments(*(part[r : r + 1] for part in moments)), counts[r : r + 1], 25)
        assert all(torch.equal(a[r], b[0]) for a, b in zip(together, alone, strict=True))


def test_many_rows_come_near_the_network():
    """Not to it: greedy search gets some directions wrong, and each costs further edges."""
    graph, x = rows(3, replicates=5, variables=5, number=5000, slices=3)
    found = learn_graph(trajectory_moments(x), 5000, 10_000, most_parents=5)
    nothing = Graph(*(torch.zeros_like(part) for part in graph))
    distance, edges = (structural_hamming_distance(one, graph).double().mean() for one in (found, nothing))
    assert distance < 0.6 * edges
    assert (found.inter == graph.inter).double().mean() > 0.9


def test_scale_and_order_of_search_do_not_depend_on_units():
    _, x = rows(4, replicates=3, variables=6, number=40)
    scaled = x * torch.tensor([1e-3, 1.0, 1e4, 2.0, 1e-6, 5.0], dtype=torch.float64) + 100
    one, other = (learn_graph(trajectory_moments(data), 40, 40) for data in (x, scaled))
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_the_extended_bic_keeps_fewer_edges_and_equal_variables_are_not_both_parents():
    _, x = rows(6, replicates=10, variables=8, number=15)
    moments = trajectory_moments(x)
    edges = [sum(int(part.sum()) for part in learn_graph(moments, 15, 15, gamma=g)) for g in (0.0, 1.0)]
    assert edges[1] < edges[0]
    x[..., 1] = x[..., 0]
    twins = learn_graph(trajectory_moments(x), 15, 15)
    both = torch.cat([twins.intra, twins.inter], -1)
    assert not (both[..., 8] & both[..., 9]).any() and not (both[..., 0] & both[..., 1]).any()


def test_structural_hamming_distance_counts_a_reversal_once():
    none = torch.zeros(1, 3, 3, dtype=torch.bool)
    edge = none.clone()
    edge[0, 1, 0] = True
    assert structural_hamming_distance(Graph(edge, none, edge), Graph(edge.mT, edge, edge.mT)).tolist() == [1 + 1 + 2]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda m: hill_climb(m.pair_covariance * 0, torch.full((3,), 60.0), 4), "a variance is zero"),
        (lambda m: hill_climb(m.pair_covariance * math.nan, torch.full((3,), 60.0), 4), "not a finite number"),
        (lambda m: learn_graph(m, 4, 60), "needs 5 rows, but a data set has 4"),
        (lambda m: learn_graph(m, 60, 60, most_parents=0), "at least 1 parent"),
    ],
)
def test_clear_errors(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong(trajectory_moments(rows()[1]))
