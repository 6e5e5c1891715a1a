"""Where the table does not have the correlations that the records show, it is said; where it has, nothing is."""

import numpy as np
import pandas as pd

from ddlib.merge import merge


def tables(categories: np.ndarray, numbers: np.ndarray) -> dict[str, pd.DataFrame]:
    """Two hospitals of one visit each patient."""
    frame = pd.DataFrame(numbers, columns=[f"x{j}" for j in range(numbers.shape[1])]).assign(group=categories.astype(float))
    frame = frame.assign(id=np.arange(len(frame)), time=0)
    return {"north": frame.iloc[::2], "south": frame.iloc[1::2]}


def kinds(frames: dict[str, pd.DataFrame]) -> list[tuple[str, tuple[str, ...]]]:
    found = merge(frames, "id", "time", rows=10).report["warnings"]
    return [(one["kind"], tuple(one["columns"])) for one in found]


def test_two_groups_that_numbers_tell_apart_are_no_cut_of_a_normal_value():
    draw = np.random.default_rng(0)
    group = draw.random(300) < 0.5
    numbers = 2.2 * group[:, None] + draw.normal(size=(300, 5))
    found = dict(kinds(tables(group, numbers)))
    assert "group" in found["correlations"]


def test_categories_that_are_cuts_raise_no_alarm():
    for seed in range(8):
        draw = np.random.default_rng(seed)
        latent = 0.8 * draw.normal(size=(160, 1)) + 0.6 * draw.normal(size=(160, 4))
        assert "correlations" not in dict(kinds(tables(latent[:, 0] > 0.4, latent[:, 1:])))


def test_large_values_that_go_together_on_their_own_scale_only_are_named():
    draw = np.random.default_rng(1)
    shared = np.exp(2 * draw.normal(size=400))
    numbers = np.stack([shared + np.exp(draw.normal(size=400)), shared + np.exp(draw.normal(size=400))], axis=1)
    found = dict(kinds(tables(draw.random(400) < 0.5, numbers)))
    assert set(found["correlations on own scales"]) == {"x0", "x1"} and "correlations" not in found


def visits_of(patients: int, effect: np.ndarray, seed: int) -> dict[str, pd.DataFrame]:
    """A treatment, and a value that it moves by visit."""
    draw = np.random.default_rng(seed)
    treated, level = draw.random(patients) < 0.5, draw.normal(size=patients)
    value = effect * treated[:, None] + 0.7 * level[:, None] + 0.7 * draw.normal(size=(patients, len(effect)))
    frame = pd.DataFrame({"id": np.repeat(np.arange(patients), len(effect)), "time": np.tile(range(len(effect)), patients)})
    frame = frame.assign(treated=np.repeat(treated, len(effect)).astype(float), value=value.flatten())
    return {"north": frame[frame.id % 2 == 0], "south": frame[frame.id % 2 == 1]}


def test_an_effect_that_grows_over_visits_is_said_to_be_lost_and_one_that_stays_is_not():
    growing, staying = np.array([0.0, 0.4, 0.8, 1.2]), np.full(4, 0.8)
    assert "treated" in dict(kinds(visits_of(240, growing, 2)))["changing correlations"]
    for seed in range(4):
        assert "changing correlations" not in dict(kinds(visits_of(120, staying, seed)))
