"""The measurements cut into windows of neighbouring visits."""

import pytest
import torch

from ddbook.chapters.merge.limit.restated import windows
from ddlib.dbn.likelihood.observed import observed_log_likelihood
from ddlib.dbn.sources import Sources, statistics
from tests.ddlib.dbn.world import with_levels

SLICES = 4


def test_windows_hide_all_else_and_the_widest_is_everything():
    _, model, sources = with_levels()
    data = statistics(sources)
    whole = windows(data, SLICES, SLICES)
    assert all(torch.equal(a, b) for a, b in zip(whole, data, strict=True))
    parts = windows(data, SLICES, 2)
    assert parts.size.shape[1] == 3 * (SLICES - 1)
    found = observed_log_likelihood(model.network, parts, SLICES).view(2, SLICES - 1, 3)
    for t in range(SLICES - 1):
        observed = torch.zeros_like(sources.observed)
        observed[:, :, t : t + 2] = sources.observed[:, :, t : t + 2]
        alone = statistics(Sources(sources.values, observed, sources.noise))
        torch.testing.assert_close(found[:, t], observed_log_likelihood(model.network, alone, SLICES))


def test_windows_wider_than_the_data_are_refused():
    with pytest.raises(ValueError, match="needs 2 to 4 slices"):
        windows(statistics(with_levels()[2]), SLICES, 5)
