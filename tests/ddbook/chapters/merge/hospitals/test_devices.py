"""Real records, their splits, their task and their twins on another device and in another precision."""

import pytest
import torch

from ddbook.chapters.merge.hospitals.lags import lag_correlations
from ddbook.chapters.merge.hospitals.records import as_sources, complete_patients, hide_panels, hold_out, patterns, split
from ddbook.chapters.merge.hospitals.task import RecordsTask
from ddbook.chapters.merge.hospitals.twins import draw_twins, fit_both
from ddlib.dbn.estimators.static import visit_graph
from ddlib.dbn.model.generate import random_networks, sample
from tests.ddlib.dbn.world import generator
from tests.ddlib.devices import agrees, everywhere

PANELS = {"a": ("x0",), "b": ("x1",), "c": ("x2",)}


def table():
    """Records of 36 patients with gaps, their hospitals, and what these measure."""
    _, truth = random_networks(1, 3, generator(2))
    values = sample(truth, 36, 3, generator(1))[0]
    values[::9, -1, 0] = torch.nan
    return values, torch.arange(36) % 3, hide_panels(PANELS, ("x0", "x1", "x2"), list(PANELS))


def splitting(at, draw):
    drawn = split(*at, 2, draw, noise=0.5)
    return drawn, patterns(drawn.measured), hold_out(drawn.measured, 0.25), as_sources(drawn.measured, at[2])


def judged(at, draw):
    """A set's model, judged with all hospitals in the risk and in Algorithm 1's form."""
    drawn, found = split(*at, 2, draw, noise=0.5), []
    graph = visit_graph(2, 3, "own", at[0].device)
    for objective in ("all", "leave_one_out"):
        task = RecordsTask(graph, drawn.measured, drawn.test, None, objective, prior=2.0)
        chosen = task.start(9, draw)
        model = task.fit(chosen)
        found.append([chosen, task.risk(model), task.risk(model, "test"), [block.risk(model) for block in task.blocks(chosen)]])
    return found, complete_patients(drawn.complete, 4)


def twins(at, draw):
    fitted = fit_both(at[0], cycles=2)
    return draw_twins(fitted, draw), lag_correlations(fitted)


@everywhere
@pytest.mark.parametrize("compute", [splitting, judged, twins])
def test_records(compute, dtype, draws):
    agrees(compute, table(), dtype, draws)
