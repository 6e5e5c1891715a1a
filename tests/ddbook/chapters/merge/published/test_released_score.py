"""The released score against filling rows by hand, with and without the exchange of filled cells."""

import pytest
import torch

from ddbook.chapters.merge.published.data import ReleasedSetting
from ddbook.chapters.merge.published.released_score import incomplete, released_log_likelihood
from ddlib.dbn.model.moments import log_likelihood
from ddlib.dbn.model.network import Dbn, joint, select
from tests.ddlib.dbn.world import world

SMALL = {"variables": 6, "sources": 3, "rows": 15, "test_rows": 10, "hidden": 0.34}


def drawn(slices, hidden=0.34):
    return ReleasedSetting(replicates=1, slices=slices, **(SMALL | {"hidden": hidden})).draw().task


def depths(model):
    """Longest paths to each of the 2p nodes, one node after the other."""
    p = model.variance.shape[-1]
    parents = [model.first_weights[0, i].nonzero().flatten().tolist() for i in range(p)]
    parents += [
        [p + j for j in model.intra[0, i].nonzero().flatten().tolist()] + model.inter[0, i].nonzero().flatten().tolist()
        for i in range(p)
    ]

    def depth(node):
        return max((depth(parent) + 1 for parent in parents[node]), default=0)

    return [depth(node) for node in range(2 * p)]


def by_hand(model, values, observed, swapped):
    """Fill pair after pair with conditional means of the law of two slices, then score the complete rows."""
    law = joint(model, 2)
    mean, covariance, depth = law.mean[0], law.covariance[0], depths(model)
    rows, p = values.clone(), model.variance.shape[-1]
    for t in range(rows.shape[1] - 1):
        pair = rows[:, t : t + 2].flatten(1)
        hidden = pair[0].isnan().nonzero().flatten()
        seen = (~pair[0].isnan()).nonzero().flatten()
        gain = covariance[hidden][:, seen] @ torch.linalg.inv(covariance[seen][:, seen])
        filled = mean[hidden] + (pair[:, seen] - mean[seen]) @ gain.T
        if swapped:
            order = sorted(range(len(hidden)), key=lambda place: (depth[hidden[place]], hidden[place]))
            filled = filled[:, order]
        pair[:, hidden] = filled
        rows[:, t : t + 2] = pair.unflatten(1, (2, p))
    return log_likelihood(model, rows[None]).sum()


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("slices", [2, 5])
def test_the_score_is_the_likelihood_of_rows_filled_pair_by_pair(slices, swapped):
    task = drawn(slices)
    sources = task.sources
    models = Dbn(
        *(torch.cat([a, b]) for a, b in zip(task.fit(task.start(12, torch.Generator().manual_seed(1))), task.truth, strict=True))
    )
    ours = released_log_likelihood(Dbn(*(part.unflatten(0, (2, 2)) for part in models)), incomplete(sources), swapped)
    for m in range(2):
        for r in range(2):
            for k in range(3):
                expected = by_hand(select(models, [2 * m + r]), sources.values[r, k], sources.observed[r, k], swapped)
                torch.testing.assert_close(ours[m, r, k], expected, rtol=1e-9, atol=1e-7)


def test_the_exchange_matters_where_a_row_hides_several_cells_and_only_there():
    task = drawn(2)
    model, whole = task.truth, incomplete(task.sources)
    exchanged, meant = (released_log_likelihood(model, whole, swapped) for swapped in (True, False))
    assert (exchanged - meant)[1].abs().max() > 1e-3
    values = task.sources.values.nan_to_num(0.3)
    complete = incomplete(task.sources._replace(values=values, observed=torch.ones_like(task.sources.observed)))
    for swapped in (True, False):
        found = released_log_likelihood(model, complete, swapped)
        torch.testing.assert_close(found[1], torch.stack([log_likelihood(select(model, [1]), v[None]).sum() for v in values[1]]))


def test_a_source_can_be_left_out():
    task = drawn(2)
    whole = incomplete(task.sources)
    found = released_log_likelihood(task.truth, whole)
    torch.testing.assert_close(released_log_likelihood(task.truth, whole.without(1)), found[:, [0, 2]])


def test_sources_that_hide_unequally_are_refused():
    _, _, sources = world(slices=3, trajectories=15)
    observed = sources.observed.clone()
    observed[0, 0, 0] = True
    observed[0, 1, 0, 0] = False
    with pytest.raises(ValueError, match="equally many"):
        incomplete(sources._replace(observed=observed))
