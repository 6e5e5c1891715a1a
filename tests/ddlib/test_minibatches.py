"""Units drawn as often as they weigh: sums and means are unbiased, and units of weight zero are never drawn."""

import torch

from ddlib.augmentations import Flip, Shift, alike
from ddlib.minibatches import drawn
from ddlib.problem import Distilled
from tests.ddlib.worlds import generator


def test_means_are_unbiased_even_for_one_unit_of_uneven_weights():
    x = torch.arange(6.0, dtype=torch.float64).view(1, 6, 1)
    w = torch.tensor([[1.0, 0.0, 4.0, 2.0, 0.0, 3.0]], dtype=torch.float64)
    data = Distilled(x, torch.zeros(1, 6), w)
    batch = drawn(data, 20_000, generator())
    share = torch.bincount(batch.x.flatten().long(), minlength=6) / 20_000
    torch.testing.assert_close(share.double(), w[0] / 10, atol=0.02, rtol=0)
    assert share[1] == share[4] == 0
    torch.testing.assert_close(batch.w.sum(-1), w.sum(-1))


def test_every_replicate_and_axis_in_front_draws_from_its_own_units():
    x = torch.arange(5 * 5 * 4.0).view(5, 5, 4, 1)
    batch = drawn(Distilled(x, torch.zeros(5, 5, 4), torch.ones(5, 5, 4)), 3, generator())
    assert batch.x.shape == (5, 5, 3, 1)
    own = (batch.x.squeeze(-1) / 4).floor()
    assert torch.equal(own, torch.arange(25.0).view(5, 5, 1).expand(5, 5, 3))


def test_an_augmentation_sees_units_in_their_own_shape():
    """Flattened images would be moved into one another."""
    images = Distilled(torch.arange(12.0).view(1, 3, 2, 2), torch.zeros(1, 3), torch.ones(1, 3))
    (flipped,) = alike(Flip(), [images], generator(3))
    assert torch.equal(flipped.x.flatten(2).sort(-1).values, images.x.flatten(2).sort(-1).values)
    for seed in range(6):
        (moved,) = alike(Shift(1), [images], generator(seed))
        for unit, whole in zip(moved.x[0], images.x[0], strict=True):
            assert set(unit.flatten().tolist()) <= {*whole.flatten().tolist(), 0.0}
