"""How near synthetic patients come to real ones."""

import pytest
import torch

from ddlib.merge import TableError, disclosure, merge, nearest_patients
from ddlib.merge.disclosure import membership
from tests.ddlib.merge.uncertainty.records import complete, hospitals, small


def test_a_fitted_law_does_not_tell_who_was_fitted():
    found = nearest_patients(merge(hospitals(complete(240, 5)), "id", "time", join="never").panel, rows=100)
    assert abs(found.auc - 0.5) < 3 * found.error
    assert found.fitted == pytest.approx(found.held_out, rel=0.3) and found.to_fitted == pytest.approx(found.to_held_out, rel=0.3)
    assert f"{found.auc:.0%}" in found.text


def test_columns_of_few_values_are_compared_on_their_latent_scale():
    tables = {
        name: frame.assign(a=(frame.a > 0).astype(float).where(frame.a.notna())) if "a" in frame else frame
        for name, frame in hospitals(complete(90, 5)).items()
    }
    found = nearest_patients(merge(tables, "id", "time", join="never", tolerance=1.0).panel, rows=50, tolerance=1.0)
    assert abs(found.auc - 0.5) < 4 * found.error and 0.1 < found.fitted < 3


def test_copies_of_real_patients_are_found(monkeypatch):
    """Synthetic patients that are those who were fitted, with their gaps at the mean."""
    panel = merge(hospitals(complete(90, 6), missing=0.05), "id", "time", join="never").panel
    draw = torch.Generator().manual_seed(0)
    order = [torch.randperm(len(names), generator=draw) for names in panel.patients]
    fitted = panel.take([places[: (len(places) + 1) // 2] for places in order])
    rows = torch.cat(
        [torch.cat([fitted.standard(k)[0].flatten(1), fitted.standard_fixed(k)[0]], 1) for k in range(len(fitted.sources))]
    )
    rows = rows[~rows.isnan().all(-1)].nan_to_num()
    monkeypatch.setattr(disclosure, "synthetic_patients", lambda *_: rows)
    found = nearest_patients(panel)
    assert found.fitted == pytest.approx(0, abs=1e-9) and found.held_out > 0.1 and found.auc > 0.99


def test_the_area_is_the_share_of_rightmembership():
    near, far = torch.tensor([1.0, 2.0, 5.0]), torch.tensor([3.0, 2.0])
    pairs = [(float(a < b) + 0.5 * float(a == b)) for a in near for b in far]
    assert membership(near, far)[0] == pytest.approx(sum(pairs) / 6)


def test_too_few_patients_are_refused():
    tables, options = small()
    tables["h1"] = tables["h1"][tables["h1"].id < 9]
    with pytest.raises(TableError, match="h1 has fewer than 10"):
        nearest_patients(merge(tables, **options).panel)
