"""The simulated hospitals of chapter 08, its comparisons with the truth, the halves, the refusals and the pictures."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from ddbook.chapters.merge.tables import figures, halves, refused
from ddbook.chapters.merge.tables.accuracy import ERRORS, AvailableCase, Complete, effects, errors, in_order, score
from ddbook.chapters.merge.tables.hospitals import World, as_table, draw_hospitals, measured, write_tables
from ddlib import datasets
from ddlib.datasets import DataUnavailableError

SMALL = World(patients=60)


@pytest.fixture(scope="module")
def hospitals():
    return draw_hospitals(SMALL, 0)


@pytest.fixture(scope="module")
def scored():
    return score(SMALL, 0)


@pytest.fixture(scope="module")
def few():
    values = torch.randn(60, 2, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return halves.Records("few", ("a", "b", "c", "d"), values + values[..., :1])


def test_hospitals_lack_columns_and_lose_cells(hospitals):
    assert len(hospitals.tables) == 3
    for frame in hospitals.tables.values():
        assert len(frame) == 180 and frame.shape[1] == 2 + 4
        assert 0.02 < frame.isna().to_numpy().mean() < 0.08
    assert set().union(*hospitals.tables.values()) == {"patient", "visit", *hospitals.columns}
    assert bool(hospitals.together.all())


def test_a_lone_column_is_never_seen_with_what_its_hospital_lacks():
    lone = draw_hospitals(replace(SMALL, lone=True), 0)
    assert (~lone.together).nonzero().tolist() == [[0, 1], [1, 0]]


def test_worlds_with_one_seed_differ_in_what_is_named_only(hospitals):
    alike = draw_hospitals(replace(SMALL, offset=0.0), 0)
    torch.testing.assert_close(alike.complete, hospitals.complete)
    torch.testing.assert_close(alike.law, hospitals.law)
    torch.testing.assert_close(alike.seen + hospitals.offsets.view(3, 1, 1, -1), hospitals.seen, equal_nan=True)
    assert float(alike.offsets.nan_to_num().abs().max()) == 0
    torch.testing.assert_close(hospitals.offsets.nansum(0), torch.zeros(5, dtype=torch.float64), atol=1e-12, rtol=0)


def test_it_writes_what_it_drew(hospitals, tmp_path):
    paths, noise = write_tables(hospitals, tmp_path / "new")
    assert [path.name for path in paths] == ["hospital_1.csv", "hospital_2.csv", "hospital_3.csv"]
    pd.testing.assert_frame_equal(pd.read_csv(paths[0]), hospitals.tables["hospital 1"].reset_index(drop=True))
    assert yaml.safe_load(noise.read_text()) == dict.fromkeys(hospitals.columns, 0.3)


@pytest.mark.parametrize(
    ("world", "message"),
    [
        (World(missing=1.0), "share of missing cells"),
        (World(missing=-0.1), "share of missing cells"),
        (World(hidden=1.0), "hidden share"),
        (World(hospitals=2, variables=4, hidden=0.75), "no hospital has the column x1"),
    ],
)
def test_an_impossible_world_is_refused(world, message):
    with pytest.raises(ValueError, match=message):
        draw_hospitals(world, 0)


def test_the_truth_has_no_error_and_a_shift_has_its_size(hospitals):
    assert errors(hospitals.law, hospitals) == dict.fromkeys(ERRORS, 0.0)
    shifted = hospitals.law._replace(mean=hospitals.law.mean + hospitals.spread.repeat(3) / 2)
    assert errors(shifted, hospitals)["mean"] == pytest.approx(0.5)
    larger = hospitals.law._replace(covariance=hospitals.law.covariance + torch.outer(*[hospitals.spread.repeat(3)] * 2))
    found = errors(larger, hospitals)
    assert found["within"] == pytest.approx(1) and found["successive"] == pytest.approx(1)


def test_moments_are_those_of_complete_patients():
    """Without gaps, errors and offsets both rows are the moments of all patients."""
    whole = draw_hospitals(World(hidden=0.0, missing=0.0, noise=0.0, offset=0.0, patients=30), 0)
    values = whole.complete.reshape(90, -1).numpy()
    for method in (AvailableCase(), Complete()):
        law = method.law(whole)
        np.testing.assert_allclose(law.mean.numpy(), values.mean(0), atol=1e-12)
        np.testing.assert_allclose(law.covariance.numpy(), np.cov(values.T, bias=True), atol=1e-12)


def test_offsets_are_found_and_rows_carry_their_settings(scored, hospitals):
    table, merged = scored
    assert list(table.method) == ["limit", "available_case", "clean_all"] and set(table.hospitals) == {"differ"}
    assert {"world.offset", "method.type", "method.prior"} <= set(table)
    found = effects(merged, hospitals)
    assert (found.of == "hospital").sum() == 12 and (found.of == "visit").sum() == 15
    for _, part in found.groupby("of"):
        assert np.corrcoef(part.truth, part.found)[0, 1] > 0.9
    law = in_order(merged, merged.columns)
    torch.testing.assert_close(law.covariance, merged.law.covariance[0])


def test_all_pairs_are_dealt_before_one_comes_again():
    dealt = [pair for replicate in range(3) for pair in halves.deal(5, 4, replicate)]
    assert len(set(dealt[:10])) == 10 and dealt[10:] == dealt[:2]


def test_halves_lack_one_column_each_and_the_bounds_are_judged(few):
    table = halves.halve(few, [(0, 1)], 0)
    assert list(table.way) == ["merge", "one_visit", "zero"] and set(table.pair) == {"a–b"}
    merged, one_visit, zero = table.itertuples()
    assert -1 <= merged.low <= merged.said <= merged.high <= 1
    assert merged.held == float(merged.low <= merged.truth <= merged.high)
    assert np.isnan(one_visit.low) and zero.squared == pytest.approx(merged.truth**2)


def test_one_visit_at_a_time_is_right_where_one_column_explains_both():
    """With a = c + e, b = c + e' the correlation of a and b is the product of theirs with c."""
    generator = torch.Generator().manual_seed(0)
    c, first, second = torch.randn(3, 4000, 2, dtype=torch.float64, generator=generator)
    records = halves.Records("chain", ("a", "b", "c"), torch.stack([c + first, c + second, c], -1))
    assert records.truth((0, 1)) == pytest.approx(0.5, abs=0.03)
    parts = [as_table(records.values[k * 2000 : (k + 1) * 2000], records.columns, torch.arange(3) != k) for k in range(2)]
    assert halves.OneVisit().say(parts, ("a", "b"))[0] == pytest.approx(0.5, abs=0.04)


def test_simulated_patients_stand_in_for_missing_records(monkeypatch):
    def absent(visits):
        raise DataUnavailableError("not <here>")

    monkeypatch.setattr(datasets, "cdisc_visits", absent)
    records, notice = halves.load_records(2)
    assert records.name == "simulated" and records.values.shape == (*halves.STAND_IN[:1], 2, halves.STAND_IN[1])
    assert "not &lt;here&gt;" in notice and "warning" in notice


def test_each_refusal_names_what_is_wrong(hospitals):
    sentences = dict(refused.refusals(hospitals).itertuples(index=False))
    for what, word in zip(sentences, ("the same patients", "constant", "no numeric column in common", "did you mean"), strict=True):
        assert word in sentences[what], what


def test_p_values_of_synthetic_rows_fall_without_limit(scored, hospitals):
    table = refused.p_values(scored[1], hospitals, refused.undecided(hospitals), [20, 200, 2000])
    made = table[table.rows == "synthetic"].p.to_numpy()
    assert (np.diff(made) < 0).all()
    assert table.p.iloc[-1] > refused.LEVEL and 50 < table.patients.iloc[-1] <= 180


def test_the_pictures_are_drawn(scored, hospitals, few):
    table, merged = scored
    both = pd.concat([table.assign(seed=seed, hospitals=kind) for seed in (0, 1) for kind in ("alike", "differ")])
    pictures = [
        figures.draw_overview(hospitals.tables, merged),
        figures.draw_effects(effects(merged, hospitals)),
        figures.draw_errors(both),
        figures.draw_bounds(pd.concat([halves.halve(few, [(0, 1)], seed) for seed in (0, 1)])),
        figures.draw_p_values(refused.p_values(merged, hospitals, ("x1", "x2"), [20, 200, 2000])),
    ]
    for picture, panels in zip(pictures, (3, 2, 3, 1, 1), strict=True):
        picture.canvas.draw()
        assert len(picture.axes) == panels
        plt.close(picture)
    assert [label.get_text() for label in pictures[3].axes[0].get_yticklabels()] == ["a–b"]
    hatched = [patch for patch in pictures[0].axes[0].patches if patch.get_hatch()]
    assert len(hatched) == int((~measured(SMALL)).sum()) == 3
