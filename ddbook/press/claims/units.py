"""Scores of one fixed test set: a text with a digit for each of its units in every row, as an array of draws and units."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float

from ddbook.kit.scores import Score, ScoreError, select

UNIT = "test unit"
"""The column that the digits are counted in; no recorded table has a name with a blank."""


def by_unit(score: Score, table: pd.DataFrame) -> Float[np.ndarray, "draws units"]:
    """The score of each draw on each unit of the test set.

    Args:
        score: of the column with the digits; its pairs are paired unit by unit.
        table: with that column as text.

    Raises:
        ScoreError: as :meth:`~ddbook.kit.scores.Score.evaluate`, or if the digits of some row are others in number or kind.
    """
    conditions = [one for side in (score.rows, score.minus) for one in ([side] if isinstance(side, str) else side or [])]
    rows = pd.concat([select(table, condition) for condition in conditions])
    rows = rows[~rows.index.duplicated()]
    digits = digits_of(rows, score.value)
    units = digits.shape[1]
    long = rows.loc[rows.index.repeat(units)].assign(**{score.value: digits.ravel(), UNIT: np.tile(np.arange(units), len(rows))})
    return dataclasses.replace(score, by=(*score.by, UNIT)).values(long.reset_index(drop=True)).unstack(UNIT).to_numpy()


def digits_of(rows: pd.DataFrame, column: str) -> Float[np.ndarray, "rows units"]:
    """The digits of a column of texts.

    Raises:
        ScoreError: if a row has other characters than 0 and 1, or another number of them than the first.
    """
    if column not in rows:
        raise ScoreError(f"the table has no column {column}, with a digit 0 or 1 for each unit of the test set")
    texts: Sequence[object] = rows[column].tolist()
    good = all(isinstance(text, str) and text and not text.strip("01") and len(text) == len(str(texts[0])) for text in texts)
    if not good:
        raise ScoreError(f"{column} has to hold a digit 0 or 1 for each unit of the test set, equally many in each row")
    return np.frombuffer("".join(map(str, texts)).encode(), dtype=np.uint8).reshape(len(texts), -1) - 48.0
