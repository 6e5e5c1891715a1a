"""What is drawn for a patient is the patient's own: no matter who else is in the table, or in which order."""

import numpy as np
import pandas as pd
import pytest
import torch

from ddlib.merge import Merge
from ddlib.merge.streams import Streams


def records(patients: int, seed: int, first: int = 1) -> pd.DataFrame:
    """Three visits: a normal column, a skewed one with ties at zero, a yes or no, a score, and a static category; with gaps."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(patients, 1, 4)) + rng.normal(size=(patients, 3, 4))
    frame = pd.DataFrame(values.reshape(-1, 4), columns=["a", "crp", "ill", "score"])
    frame["crp"] = np.maximum(np.exp(frame.crp) - 0.6, 0.0)
    frame["ill"] = (frame.ill + 0.5 * frame.a > 0.3).astype(float)
    frame["score"] = np.digitize(frame.score, [-1.0, 0.0, 1.0]).astype(float)
    frame["sex"] = np.repeat(rng.integers(0, 2, patients), 3).astype(float)
    frame = frame.mask(rng.random(frame.shape) < 0.25)
    frame.insert(0, "visit", np.tile([0, 1, 2], patients))
    frame.insert(0, "id", np.repeat(np.arange(first, first + patients), 3))
    return frame


@pytest.fixture(scope="module")
def model():
    return Merge("id", "visit", join="never", tolerance=1.0).fit({"north": records(60, 0), "south": records(60, 1)})


@pytest.fixture(scope="module")
def frame():
    return records(40, 2, first=501)


def subsets(frame):
    shuffled = frame.sample(frac=1, random_state=0)
    yield shuffled
    yield frame[frame.id % 3 == 0]
    yield from (frame[frame.id == name] for name in (501, 517, 540))
    more = pd.concat([records(5, 9, first=900), frame, records(5, 8, first=400)])
    yield more


@pytest.mark.parametrize("column", ["a", "crp", "ill", "score", "sex"])
def test_predictions_of_a_patient_do_not_depend_on_the_others(model, frame, column):
    whole = model.predict(frame, column).set_index([frame.id, frame.visit])
    for part in subsets(frame):
        found = model.predict(part, column).set_index([part.id, part.visit])
        both = found.join(whole.add_suffix(" whole"), how="inner")
        assert len(both) >= 3
        np.testing.assert_allclose(both[["mean", "sd"]], both[["mean whole", "sd whole"]], rtol=0, atol=1e-7)


def test_a_patient_s_completion_does_not_depend_on_the_others(model, frame):
    whole = model.complete(frame, draws=2)
    for part in subsets(frame):
        found = model.complete(part, draws=2)
        for table, other in zip(found.tables, whole.tables, strict=True):
            both = table.merge(other, on=["id", "visit"], suffixes=("", " whole"))
            assert len(both) >= 3
            for name in ("a", "crp", "ill", "score", "sex"):
                np.testing.assert_allclose(both[name], both[f"{name} whole"], rtol=0, atol=1e-7)


def test_a_patient_s_name_counts_and_the_draw_and_the_seed_do(model, frame):
    one = frame[frame.id == 517].assign(a=np.nan)
    values = [
        tuple(table.a)
        for part in (one, one.assign(id=3))
        for seed in (0, 1)
        for table in model.complete(part, draws=2, seed=seed).tables
    ]
    assert len(set(values)) == 8


def test_measurements_that_are_alike_are_predicted_alike(model, frame):
    one = frame[frame.id == 517]
    found = model.predict(pd.concat([one, one.assign(id=3)]), "crp").to_numpy()
    np.testing.assert_allclose(found[:3], found[3:], rtol=0, atol=1e-9)


def test_the_order_of_the_tables_rows_changes_no_completed_table():
    frames = {"north": records(30, 0), "south": records(30, 1)}
    shuffled = {name: frame.sample(frac=1, random_state=1) for name, frame in frames.items()}
    one, two = (Merge("id", "visit", join="never", tolerance=1.0).fit(part).complete(draws=2) for part in (frames, shuffled))
    for table, other in zip(one.tables, two.tables, strict=True):
        pd.testing.assert_frame_equal(table, other)


def test_numbers_are_uniform_and_independent():
    """Of patients, uses and entries; Kolmogorov's distance at 1 in 1000 is 1.95 / √n."""
    names, uses = 500, 4
    found = torch.stack([Streams.of(range(names), 7).uniform(use, 6) for use in range(uses)], dim=1)
    flat = found.flatten().sort().values
    n = len(flat)
    assert ((flat - (torch.arange(n) + 0.5) / n).abs().max() * n**0.5) < 1.95 and flat[0] > 0 and flat[-1] < 1
    normal = torch.special.ndtri(found).reshape(names, -1)
    correlation = torch.corrcoef(normal.T) - torch.eye(24)
    assert correlation.abs().max() < 4.5 / names**0.5
    assert torch.corrcoef(torch.stack([normal[1:].flatten(), normal[:-1].flatten()]))[0, 1].abs() < 4 / n**0.5


def test_predictions_are_those_of_many_draws(model, frame):
    """Of yes or no, against the mean over many completions of patients who lack it."""
    part = frame[frame.id <= 506].assign(ill=np.nan)
    law = model.merged_.estimate._replace(information=None)  # the one law, without the estimate's uncertainty
    fixed = Merge(**model.get_params())
    fixed.merged_ = model.merged_._replace(estimate=law)
    many = np.mean([table.ill for table in fixed.complete(part, draws=1500).tables], axis=0)
    np.testing.assert_allclose(fixed.predict(part, "ill")["mean"], many, atol=0.06)
