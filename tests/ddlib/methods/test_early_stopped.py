"""Early stopping on a bowl: the iterate is known in closed form, and so is the one that held-out units like best."""

import pytest
import torch

from ddlib.methods import FirstOrder
from ddlib.methods.early_stopped import EarlyStopped
from ddlib.problem import distil
from ddlib.protocols import Fold
from tests.ddlib.methods.bowl import Bowl
from tests.ddlib.worlds import generator

BUDGET, LR, STOPS = 3, 0.15, (0, 2, 5, 9, 20)
DESCENT = FirstOrder(LR, optimiser="descent", schedule="constant", keep="last")


def mean_after(task, updates, seed=0):
    """The model after so many updates, one number for each replicate: each update removes a share of the way to the target."""
    begin = task.fit(task.start(BUDGET, generator(seed)))
    left = (1 - 2 * LR / BUDGET) ** torch.tensor(updates, dtype=torch.float64)
    return task.target + left.unsqueeze(-1) * (begin - task.target)


class Judged(Bowl):
    """A bowl whose held-out units lie elsewhere."""

    def __init__(self, *wanted):
        super().__init__()
        self.wanted = wanted

    def held_out(self, share):
        return [Fold(Judged(wanted), "validation") for wanted in self.wanted]

    def risk(self, model, split="train"):
        return super().risk(model) if split == "train" else (model - self.wanted[0]).square().sum(-1)


@pytest.mark.parametrize("wanted", [(0, 20), (5, 2), (9, 9)])
def test_each_replicate_stops_where_its_held_out_units_are(wanted):
    best = mean_after(Bowl(), wanted)
    task = Judged(best)
    distilled, (info,) = distil(EarlyStopped(DESCENT, STOPS, paired=True), task, BUDGET, 1, generator())
    assert info.updates.tolist() == list(wanted)
    torch.testing.assert_close(task.fit(distilled), best)
    torch.testing.assert_close(info.surrogate, torch.zeros(2, dtype=torch.float64))
    path = torch.stack([mean_after(task, (stop, stop)) for stop in STOPS])
    torch.testing.assert_close(info.held_out, (path - best).square().sum(-1))


def test_several_folds_are_judged_by_their_mean_each_from_draws_of_its_own():
    places = [mean_after(Bowl(), (2, 9), seed) for seed in (1, 2, 3)]
    _, (info,) = distil(EarlyStopped(DESCENT, STOPS), Judged(*places), BUDGET, 1, generator(0))
    risks = []
    for seed, place in zip((1, 2, 3), places, strict=True):
        path = torch.stack([mean_after(Bowl(), (stop, stop), seed) for stop in STOPS])
        risks.append((path - place).square().sum(-1))
    torch.testing.assert_close(info.held_out, torch.stack(risks).mean(0))
    assert info.updates.tolist() == [2, 9]


def test_a_stop_at_which_the_held_out_risk_is_not_finite_is_not_chosen():
    class Broken(Judged):
        def held_out(self, share):
            return [Fold(Broken(wanted), "validation") for wanted in self.wanted]

        def risk(self, model, split="train"):
            risk = super().risk(model, split)
            return torch.where(risk < 1e-12, torch.nan, risk) if split == "validation" else risk

    task = Broken(mean_after(Bowl(), (5, 5)))
    _, (info,) = distil(EarlyStopped(DESCENT, STOPS, paired=True), task, BUDGET, 1, generator())
    assert info.held_out[2].isnan().all() and (info.updates != 5).all() and info.surrogate.isfinite().all()


@pytest.mark.parametrize("options", [{"stops": ()}, {"stops": (5, 2)}, {"stops": (-1, 2)}, {"stops": (1, 1)}])
def test_stops_ascend(options):
    with pytest.raises(ValueError, match="ascending numbers of updates"):
        EarlyStopped(DESCENT, **options)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_share_is_held_out(share):
    with pytest.raises(ValueError, match="between 0 and 1"):
        EarlyStopped(DESCENT, STOPS, share)


def test_a_task_without_folds_is_refused():
    with pytest.raises(TypeError, match="bowl has no method held_out"):
        distil(EarlyStopped(DESCENT, STOPS), Bowl(), BUDGET, 0, generator())
