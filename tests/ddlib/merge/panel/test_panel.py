"""Whatever tables it is given, a panel keeps its word, or one sentence says why there is none."""

import numpy as np
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ddlib.merge import TableError
from ddlib.merge.panel import read_panel
from ddlib.merge.together import counts, summary, unmeasured
from tests.ddlib.merge.damaged_tables import ANY, damaged

OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "reading": st.sampled_from(["auto", "values", "order"]),
        "static": st.sampled_from([(), "a", ["a", "b"]]),
        "window": st.sampled_from([None, 0, 0.5, 3]),
        "max_visits": st.sampled_from([None, 1, 2, 100]),
        "join": st.sampled_from(["ask", "patients", "never"]),
    },
)


@settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(st.one_of(damaged(), st.lists(ANY, min_size=2, max_size=3)), OPTIONS)
def test_a_panel_keeps_its_word(tables, options):
    if options.get("window") is not None:
        options.pop("reading", None)
    try:
        panel = read_panel(tables, "patient", "visit", **options)
    except TableError as error:
        assert str(error) and "\n" not in str(error)
        return
    visits, width, fixed = panel.visits.number, len(panel.columns), len(panel.static)
    assert width and visits and len(panel.visits.labels) == len(panel.visits.reported) == visits
    assert panel.visits.reported.any() and len(panel.visits.steps) == visits - 1 and (panel.visits.steps >= 1).all()
    assert (np.diff(panel.visits.labels) > 0).all()
    assert sorted(panel.output) == sorted([*panel.columns, *panel.static])
    assert [panel.columns[place] for place in panel.order] == [name for name in panel.output if name in panel.columns]
    for names, values, own in zip(panel.patients, panel.values, panel.fixed, strict=True):
        assert values.shape == (len(names), visits, width) and own.shape == (len(names), fixed)
        assert not (values.isnan().all((1, 2)) & own.isnan().all(1)).any() and len(set(names)) == len(names)
    for part in (panel.centre, panel.spread, panel.static_centre, panel.static_spread, panel.noise, panel.static_noise):
        assert part.isfinite().all() and part.dtype == torch.float64
    assert (panel.spread > 0).all() and (panel.static_spread > 0).all()
    together = counts(panel)
    assert together.shape == (visits * width + fixed,) * 2 and torch.equal(together, together.mT)
    assert summary(panel, unmeasured(panel, together)).count("\n") == 0
