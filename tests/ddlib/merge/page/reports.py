"""Reports that the tests of the page share: of any size, with everything in them, made without a fit."""

from __future__ import annotations

import random
from itertools import combinations
from typing import Any

from ddlib.merge.checks.inference import NO_INFERENCE

HOSTILE = [
    '<script>alert("1")</script>',
    "a'b\"c&amp;d",
    "</style><img src=x onerror=alert(1)>",
    "]]><!--",
    "line\nbreak\tand\x00zero",
    "\u202egnp.exe",
    "x" * 300,
    "{braces} %s \\",
]
"""Names that a file could bring."""


def report(
    columns: int = 4, hospitals: int = 3, visits: int = 4, static: int = 1, names: list[str] | None = None, seed: int = 0
) -> Any:
    """A report in which each hospital lacks about a third of the columns; every other pair was never together."""
    draw = random.Random(seed)
    hospital_names = [f"hospital {k}" if names is None else f"{names[k % len(names)]}{k}" for k in range(hospitals)]
    column_names = [f"column {j}" if names is None else f"{j}{names[j % len(names)]}" for j in range(columns + static)]
    has = {name: [each for k, each in enumerate(hospital_names) if (j + k) % 3 or j == 0] for j, name in enumerate(column_names)}
    listed = [_column(name, i >= columns, has[name], draw) for i, name in enumerate(column_names)]
    return {
        "sources": [
            {"name": name, "patients": 40 + k, "visits": 150 + k, "values": 600 + k, "missing": 0.125}
            for k, name in enumerate(hospital_names)
        ],
        "columns": listed,
        "coverage": {
            name: {each: 35 + i if each in has[name] else 0 for i, each in enumerate(hospital_names)} for name in column_names
        },
        "visits": {
            "id": "id",
            "time": "day" if names is None else names[0],
            "number": visits,
            "reading": "values",
            "labels": [28.0 * t for t in range(visits)],
            "steps": [1] * (visits - 1),
            "unit": "28",
        },
        "by_visit": {one["name"]: _by_visit(one, has[one["name"]], visits, draw) for one in listed if not one["static"]},
        "model": {
            "parameters": 125,
            "patients": sum(40 + k for k in range(hospitals)),
            "log_likelihood": -12.579,
            "iterations": 58,
            "converged": True,
            "ridge": 0.005,
            "visits_differ": {"used": True, "standard_deviation": 0.5623},
            "hospitals_differ": {"used": True, "standard_deviation": 0.3162},
            "levels": {"used": True, "held_out_gain": 23.32},
            "undetermined_directions": 20,
        },
        "never_together": [_pair(pair, draw) for pair in list(combinations(column_names, 2))[::2]],
        "synthetic": {
            "patients": 200,
            "rows": 200 * visits,
            "carried": "means and all covariances",
            "needed_for_successive_visits": 12,
            "needed_for_all_covariances": 22,
            "largest_difference": {"means": 2.8e-16, "successive_visits": 1.3e-15, "everything": 1.4e-15},
        },
        "warnings": [{"kind": "static", "text": "a remark"}, {"kind": "never together", "text": "a grave thing"}],
        "inference": NO_INFERENCE,
        "assumptions": ["Whether a cell is missing depends on nothing but what was measured."],
    }


def _column(name: str, static: bool, has: list[str], draw: random.Random) -> dict[str, Any]:
    scale = 10.0 ** draw.randint(-3, 5)
    return {
        "name": name,
        "static": static,
        "mean": 5.123 * scale,
        "standard_deviation": 1.234 * scale,
        "least": -0.987 * scale,
        "greatest": 11.76 * scale,
        "noise": {each: 0.1 * scale for each in has},
        "offsets": {each: draw.gauss(0, 0.4) * scale for each in has},
    }


def _by_visit(column: dict[str, Any], has: list[str], visits: int, draw: random.Random) -> dict[str, Any]:
    mean, spread = column["mean"], column["standard_deviation"]
    observed = {
        each: {
            "patients": [0 if t == 1 else 33 for t in range(visits)],
            "mean": [None if t == 1 else mean + draw.gauss(0, 0.3) * spread for t in range(visits)],
            "standard_deviation": [None if t < 2 else 0.9 * spread for t in range(visits)],
            "fitted": [mean + column["offsets"][each]] * visits,
        }
        for each in has
    }
    return {"mean": [mean + 0.1 * t * spread for t in range(visits)], "standard_deviation": [spread] * visits, "observed": observed}


def _pair(pair: tuple[str, str], draw: random.Random) -> dict[str, Any]:
    low, high = -draw.random(), draw.random()
    return {
        "columns": list(pair),
        "patients_with_both": 0,
        "correlation": 0.5 * (low + high),
        "bounds": [low, high],
        "sampling_error_included": True,
    }
