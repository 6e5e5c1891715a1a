"""Networks whose transitions differ on another device and in another precision."""

from ddbook.chapters.merge.limit.untied import draw_untied_sources, drifting, unrolled, unrolled_graph, untied_maximum_likelihood
from ddlib.dbn.sources import statistics
from tests.ddlib.dbn.world import world
from tests.ddlib.devices import agrees, everywhere


def compute(at, draw):
    truth = unrolled(drifting(at.truth, 3, draw, 0.1))
    sources = draw_untied_sources(truth, at.sources.observed, 30, draw)
    return unrolled_graph(at.graph, 3), sources, untied_maximum_likelihood(at.graph, statistics(sources), 3, cycles=3)


@everywhere
def test_untied_networks(dtype, draws):
    agrees(compute, world(trajectories=4), dtype, draws)
