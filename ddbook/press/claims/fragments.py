"""What the pages on claims and repetition include, made from the runs of a book and from the reference."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ddbook.press.claims.command import LEDGER, RECORD, results_of, summary, verdicts
from ddbook.press.claims.compare import compare_all
from ddbook.press.claims.ledger import Claim
from ddbook.press.claims.page import deviations, not_held, scoreboard, totals
from ddbook.press.claims.quotes import quotes
from ddbook.press.claims.results import Missing, Results
from ddbook.press.marks import brief, mark
from ddbook.press.pages import peak, seconds
from ddbook.press.project import REFERENCE
from ddbook.press.repeat import read

NO_REFERENCE = "There is no reference in this copy of the project: `make reference` makes one."


def fragments(root: Path, profile: str, marks: Mapping[str, str] | None = None) -> dict[str, str]:
    """The text of each fragment, by file name.

    Args:
        root: the folder of the project.
        profile: whose runs the book shows.
        marks: for each chapter whose reference is older than its code what to say of it.
    """
    marks = marks or {}
    here, has_reference = verdicts(root, profile), bool(Results(root / REFERENCE, "the reference").chapters)
    there = verdicts(root, REFERENCE) if has_reference else []
    run = results_of(root, profile)
    columns = ({"reference": there} if there else {}) | {"this run": here}
    return {
        "claims_totals.md": totals(columns),
        "claims_not_held.md": not_held(there or here, "paper"),
        "claims_not_held_ours.md": not_held(there or here, "ours"),
        "verdicts.json": quotes(here, there, marks),
        "claims_summary.md": summary(there or here),
        "scoreboard.md": scoreboard(here, there, lambda claim: _address(claim, run), marks),
        "deviations.md": _deviations(root, run, marks) if has_reference else NO_REFERENCE,
        "reference.md": _machines(results_of(root, REFERENCE), marks) if has_reference else NO_REFERENCE,
        "repeat.md": _repeats(root),
        "spread.md": _spread(run, results_of(root, REFERENCE) if has_reference else None),
    }


def _address(claim: Claim, run: Results) -> str | None:
    """The figure of a claim as a link from a page in ``book``; the chapter where its run shows no such figure."""
    if claim.chapter is None or claim.chapter not in run.chapters:
        return None
    page = f"../notebooks/{claim.chapter}.html"
    anchor = f"figure-{claim.figure}"
    shown = (run.folder / claim.chapter / "notebook.ipynb").read_text(encoding="utf-8")
    return f"{page}#{anchor}" if claim.figure and f'id=\\"{anchor}\\"' in shown else page


def _deviations(root: Path, run: Results, marks: Mapping[str, str]) -> str:
    try:
        return deviations(compare_all(run, results_of(root, REFERENCE)), marks)
    except Missing as missing:
        return f"Nothing to compare: {missing}."


def _machines(reference: Results, marks: Mapping[str, str]) -> str:
    """Where and when the reference was computed, how long each chapter took, and whether its code has changed since."""
    runs = {chapter: reference.run(chapter) for chapter in reference.chapters}
    lines = [
        "| Chapter | wall time, min | peak memory, GiB | GPU memory, GiB | commit | computed on |",
        "|---|---|---|---|---|---|",
    ]
    for chapter, one in runs.items():
        gpu = "–" if one.peak_gpu_memory_bytes is None else f"{one.peak_gpu_memory_bytes / 2**30:.2f}"
        device = one.hardware.gpu if one.peak_gpu_memory_bytes is not None else one.hardware.cpu
        cells = f"{seconds(one) / 60:.1f} | {peak(one) / 2**30:.2f} | {gpu} | `{(one.git.sha or '–')[:12]}` | {device}"
        lines.append(f"| {chapter}{mark(brief(marks.get(chapter, '')))} | {cells} |")
    total = sum(map(seconds, runs.values())) / 60
    return "\n".join([*lines, "", f"Together {total:.0f} minutes of computing, some of it side by side."])


def _repeats(root: Path) -> str:
    """The same seed twice, and a GPU."""
    found = read(root)
    if found is None:
        return "Not done in this copy of the project: `ddbook repeat` does it."
    where = (
        f"Every chapter was run twice with the same seeds on one processor ({found.hardware.cpu}), in the profile `{found.profile}`"
    )
    lines = [
        f"{where}, and every recorded file compared to the last bit; columns and numbers that are measured times are left out."
    ]
    lines += ["", "| Chapter | files compared | not the same to the last bit |", "|---|---|---|"]
    for one in found.chapters:
        different = one.failed or ", ".join(f"`{name}`" for name in one.different) or "none"
        lines.append(f"| {one.chapter} | {one.files} | {different} |")
    if not found.hardware.gpu:
        return "\n".join([*lines, "", "No GPU was at hand, so nothing was compared between processor and GPU."])
    lines += ["", f"On the GPU ({found.hardware.gpu}), whose random numbers are others, these numbers differ:", ""]
    lines += ["| Chapter | number | processor | GPU | 95 % intervals |", "|---|---|---|---|---|"]
    words = {None: "none", True: "overlap", False: "are apart"}
    for one in found.chapters:
        for each in one.gpu or []:
            lines.append(f"| {one.chapter} | `{each.name}` | {_short(each.cpu)} | {_short(each.gpu)} | {words[each.overlap]} |")
    return "\n".join(lines)


def _short(value: float | None) -> str:
    return "not finite" if value is None else f"{value:.4g}"


def _spread(run: Results, reference: Results | None) -> str:
    """How wide the intervals of each chapter's numbers are, relative to the numbers: medians."""
    names = {"this run": run} | ({"reference": reference} if reference else {})
    lines = ["| Chapter | " + " | ".join(f"{name}: numbers with an interval | median half-width" for name in names) + " |"]
    lines.append("|---" * (1 + 2 * len(names)) + "|")
    for chapter in run.chapters:
        cells = [_widths(results, chapter) for results in names.values()]
        lines.append(f"| {{doc}}`/notebooks/{chapter}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _widths(results: Results, chapter: str) -> str:
    try:
        numbers = results.numbers(chapter).values()
    except Missing:
        return "– | –"
    with_interval = [each for each in numbers if each.get("low") is not None and each["value"]]
    widths = [(each["high"] - each["low"]) / 2 / abs(each["value"]) for each in with_interval]
    middle = float(np.median(widths)) if widths else math.nan
    return f"{len(widths)} | {'–' if math.isnan(middle) else f'{100 * middle:.0f} %'}"


__all__ = ["LEDGER", "RECORD", "fragments"]
