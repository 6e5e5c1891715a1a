"""A project with a ledger and runs of which everything is known."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import yaml

from tests.ddbook.book.fake import record, settle

CHAPTER = "04_merge_hospitals"
CLAIM = {
    "id": "better",
    "statement": "A is better than B.",
    "source": "Figure 2",
    "whose": "paper",
    "chapter": CHAPTER,
    "statistics": [
        {
            "label": "score, A minus B",
            "table": "scores",
            "value": "score",
            "rows": "method == 'a'",
            "minus": "method == 'b'",
            "factor": ["method.type"],
            "at_least": 0,
        }
    ],
    "threshold_from": "the statement",
    "refuted_by": "B is as good",
}


def ledger(root: Path, *claims: dict) -> Path:
    """Writes book/claims.yml."""
    (root / "book").mkdir(exist_ok=True, parents=True)
    path = root / "book" / "claims.yml"
    path.write_text(yaml.safe_dump(list(claims), sort_keys=False), encoding="utf-8")
    return path


def finished_run(folder: Path, scores: dict[str, list[float]], numbers: dict[str, dict] | None = None, **parameters) -> Path:
    """A finished run of one chapter in a folder of runs; the scores are those of each method, one per seed, from trials."""
    place = folder / CHAPTER
    (place / "results").mkdir(parents=True, exist_ok=True)
    rows = [(method, seed, score) for method, values in scores.items() for seed, score in enumerate(values)]
    table = pd.DataFrame(rows, columns=["method", "seed", "score"])
    table.assign(**{"method.type": table.method, "task.type": "T"}).to_csv(place / "results" / "scores.csv", index=False)
    (place / "results" / "numbers.json").write_text(json.dumps(numbers or {}), encoding="utf-8")
    settle(place, record(CHAPTER).model_copy(update={"parameters": {"replicates": 3, **parameters}}))
    return place


def number(value: float, low: float | None = None, high: float | None = None, n: int | None = None, unit: str = "") -> dict:
    """A number as a notebook records it."""
    return {"value": value, "low": low, "high": high, "n": n, "unit": unit}
