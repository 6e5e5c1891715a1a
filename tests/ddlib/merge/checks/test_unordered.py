"""Names that are written as numbers are told from categories that have an order."""

import numpy as np
import pandas as pd

from ddlib.merge import merge


def kinds(codes: np.ndarray, values: np.ndarray) -> dict[str, tuple[str, ...]]:
    frame = pd.DataFrame({"id": np.arange(len(codes)), "time": 0, "site": codes.astype(float), "y": values})
    found = merge({"north": frame.iloc[::2], "south": frame.iloc[1::2]}, "id", "time", rows=10).report["warnings"]
    return {one["kind"]: tuple(one["columns"]) for one in found}


def test_a_column_that_is_highest_in_the_middle_group_names_the_groups():
    draw = np.random.default_rng(0)
    codes = draw.integers(1, 4, 300)
    assert kinds(codes, 2.0 * (codes == 2) + draw.normal(size=300))["unordered"] == ("site",)


def test_scores_along_which_others_rise_evenly_or_not_have_an_order():
    for seed in range(6):
        draw = np.random.default_rng(seed)
        codes = draw.integers(0, 4, 200)
        for effect in (0.0 * codes, 0.7 * codes, np.array([0.0, 0.0, 0.0, 2.0])[codes]):
            assert "unordered" not in kinds(codes, effect + draw.normal(size=200))
