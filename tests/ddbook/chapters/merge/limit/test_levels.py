"""Chapter 06's patients with stable levels: forecasts, and what every way makes of data that are not Markov."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import torch

from ddbook.chapters.merge.limit import figures, report
from ddbook.chapters.merge.limit.levels import forecast_error, history_error, with_levels
from ddbook.kit.merge.setting import Setting
from ddlib.dbn.methods.staged import Staged
from ddlib.dbn.model.network import joint
from tests.ddlib.dbn.world import world

mpl.use("Agg")
SETTING = Setting(replicates=2, variables=4, slices=3, sources=4, trajectories=60, hidden=0.25)


def test_forecasts_of_a_markov_law_need_the_last_visit_only():
    _, truth, _ = world(slices=4)
    law = joint(truth, 4)
    last = forecast_error(law, truth, 4)
    torch.testing.assert_close(last, history_error(law, law, 4))
    other = truth._replace(inter=0 * truth.inter)
    assert (forecast_error(law, other, 4) > last).all()


def test_patients_with_levels():
    found = with_levels(SETTING, [0.2, 0.8], [12], Staged(early=4, steps=6, rounds=1, cycles=25))
    assert set(found.method) == {
        "best_network",
        "clean_all",
        "em",
        "em_pairs",
        "em_levels",
        "available_case",
        "first_order",
        "first_order_pairs",
    }
    best = found[found.method == "best_network"]
    np.testing.assert_allclose(best.regret, 0, atol=1e-12)
    assert (best.history <= best.forecast + 1e-12).all() and (found.beyond >= -1e-12).all()  # no network beats the law itself
    assert (found[found.method != "best_network"].regret > -1e-9).all()
    numbers = report.level_numbers(found)
    assert numbers["largest_level"].value == 0.8 and "level_em" in numbers
    picture = figures.draw_levels(found)
    picture.canvas.draw()
    plt.close(picture)
