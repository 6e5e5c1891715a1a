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
