"""Two hospitals' records of which some are below a limit of detection, which the tests of such limits share."""

from __future__ import annotations

import numpy as np
import pandas as pd

LAW = np.array([[1.0, 0.6, 0.3], [0.6, 1.0, 0.4], [0.3, 0.4, 1.0]])
MEAN, SPREAD = np.array([50.0, 20.0, 30.0]), np.array([10.0, 2.0, 5.0])
LIMIT = 44.75
"""Thirty per cent of the first column are below."""


def hospitals(seed: int, patients: int = 100, visits: int = 2) -> dict[str, pd.DataFrame]:
    """Complete records of the columns a, b and c with a memory of 0.7; patients of the two hospitals have different names."""
    draw, root = np.random.default_rng(seed), np.linalg.cholesky(LAW)
    tables = {}
    for place, name in enumerate(["north", "south"]):
        now, rows = draw.normal(size=(patients, 3)) @ root.T, []
        for _ in range(visits):
            rows.append(now)
            now = 0.7 * now + 0.51**0.5 * draw.normal(size=(patients, 3)) @ root.T
        values = np.round(np.stack(rows, axis=1).reshape(-1, 3) * SPREAD + MEAN, 3)
        frame = pd.DataFrame(values, columns=list("abc"))
        frame.insert(0, "time", np.tile(np.arange(visits), patients))
        frame.insert(0, "id", np.repeat(np.arange(patients) + 1000 * place, visits))
        tables[name] = frame
    return tables


def below(frame: pd.DataFrame, column: str = "a", limit: float = LIMIT) -> pd.DataFrame:
    """The table with a text in the place of what is below the limit."""
    return frame.assign(**{column: pd.Series([f"<{limit}" if x < limit else x for x in frame[column]], dtype=object)})
