"""Records of three hospitals with gaps that the tests of completed and drawn tables share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

TIMES = (0, 1, 3)
COVARIANCE = np.array([[1.0, 0.5], [0.5, 1.0]])


def complete(patients: int, seed: int, visits: tuple[int, ...] = TIMES) -> np.ndarray:
    """Complete records (patients, visits, 2) of a stationary process of unit variances, correlation 0.5 and mean zero."""
    draw = np.random.default_rng(seed)
    root = np.linalg.cholesky(COVARIANCE)
    now, found = draw.normal(size=(patients, 2)) @ root.T, []
    for when in range(max(visits) + 1):
        if when in visits:
            found.append(now)
        now = 0.6 * now + 0.8 * draw.normal(size=(patients, 2)) @ root.T
    return np.stack(found, axis=1)


def hospitals(values: np.ndarray, seed: int = 0, missing: float = 0.2, visits: tuple[int, ...] = TIMES) -> dict[str, pd.DataFrame]:
    """Complete records as three hospitals' tables with the columns ``a`` and ``b``, of which one lacks b and one a, and ``age``."""
    draw = np.random.default_rng(1000 + seed)
    tables = {}
    for place, part in enumerate(np.array_split(values, 3)):
        frame = pd.DataFrame(part.reshape(-1, 2), columns=["a", "b"])
        frame[draw.random(frame.shape) < missing] = np.nan
        frame.insert(0, "time", np.tile(visits, len(part)))
        frame.insert(0, "id", np.repeat(np.arange(1, len(part) + 1), len(visits)))
        frame["age"] = np.repeat(np.round(50 + 3 * part[:, 0, 0] + 5 * draw.normal(size=len(part)), 1), len(visits))
        tables[f"h{place}"] = frame.drop(columns=[["b"], ["a"], []][place])
    return tables


def small(**options: Any) -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:
    """Tables of 45 patients, and the options to merge them."""
    return hospitals(complete(45, 0)), {"id": "id", "time": "time", "join": "never", "rows": 10, **options}
