"""How far the law of a merge is from the truth, on simulated hospitals, beside other tools: ``merge_bars.py errors``.

Four root mean square errors in standard deviations (:data:`merge_worlds.ERRORS`), means over the seeds. The tool alone takes a
minute for all kinds of worlds; scikit-learn's IterativeImputer one more for each kind, R's mice and jomo about a minute for each
merge, so ``--rivals all`` is for one kind at a time. Earlier, on other simulated hospitals (November 2026): mice .052, .069, .069
and .078, where the tool had .039, .038, .040 and .049.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd
from merge_bars_rivals import Rival, rivals
from merge_bars_table import Bar, show
from merge_worlds import ERRORS, KINDS, Array, World, draw_world, errors, merged_law, moments

from ddlib.merge import merge

BEFORE = {
    "plain": (0.0516, 0.0657, 0.0511, 0.0596),
    "shifted": (0.0928, 0.0858, 0.0738, 0.0904),
    "offsets": (0.1477, 0.1717, 0.1605, 0.1310),
    "levels": (0.0556, 0.0801, 0.0750, 0.0716),
    "trends": (0.2263, 0.1397, 0.1241, 0.2688),
    "gaps": (0.0559, 0.0745, 0.0605, 0.0784),
}
"""The tool when its model was a Markov law without offsets, levels and trends (30 November 2026), with the defaults below."""
SEEDS, PATIENTS = 20, 80
OFFSETS = ("shifted", "offsets")
WORSE, SHIFTED = 1.1, 1.2
"""What an error may be, over that before where nothing is to be gained, and over that without offsets."""


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--patients", type=int, default=PATIENTS, help="of each hospital")
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), help="see merge_worlds.py; several in one by +")
    parser.add_argument("--rivals", choices=["none", "sklearn", "all"], default="none")


def tool(world: World, seed: int) -> tuple[Array, Array]:
    """The merge with all its defaults."""
    return merged_law(merge(world.frames, "id", "time", rows=10, seed=seed), world.columns, len(world.mean))


def complete_records(world: World, seed: int) -> tuple[Array, Array]:
    """What nobody could do better: moments of all cells, without offsets."""
    return moments(world.complete)


def run(given: argparse.Namespace) -> None:
    others, absent = rivals(given.rivals)
    methods: dict[str, Rival] = {"tool": tool, "complete records": complete_records} | others
    for line in absent:
        print(line)
    scores = {kind: _scores(kind, methods, given) for kind in given.kinds}
    table = pd.concat({kind: pd.DataFrame(score, index=ERRORS).T for kind, score in scores.items()})
    print(f"RMSE in standard deviations, {given.seeds} seeds, {given.patients} patients in each of three hospitals")
    print(table.to_string(float_format="{:.4f}".format), flush=True)
    as_before = (given.seeds, given.patients) == (SEEDS, PATIENTS)
    show([bar for kind in given.kinds for bar in _bars(kind, scores, as_before)])


def _scores(kind: str, methods: dict[str, Rival], given: argparse.Namespace) -> dict[str, Array]:
    """The mean over seeds of each method's errors; nan for a method that fails, whose reason is printed."""
    worlds = [draw_world(seed, kind, given.patients) for seed in range(given.seeds)]
    scores = {}
    for name, method in methods.items():
        try:
            scores[name] = np.mean([errors(world, *method(world, seed)) for seed, world in enumerate(worlds)], axis=0)
        except Exception as error:
            print(f"{kind}: {name} failed ({type(error).__name__}: {error})")
            scores[name] = np.full(len(ERRORS), np.nan)
    return scores


def _bars(kind: str, scores: dict[str, dict[str, Array]], as_before: bool) -> list[Bar]:
    """An error against that before, that without offsets, and the best rival's; beside it, without a bar, what is left."""
    own, bars = scores[kind]["tool"], list[Bar]()
    for i, error in enumerate(ERRORS):
        value = float(own[i])
        if kind in OFFSETS and "plain" in scores:
            bars.append(Bar(f"{kind}: {error}", value, SHIFTED * float(scores["plain"]["tool"][i]), note="1.2 × without offsets"))
        elif as_before and kind in BEFORE:
            bar = WORSE * BEFORE[kind][i] if kind in ("plain", "gaps") else None
            bars.append(Bar(f"{kind}: {error}", value, bar, note=f"before: {BEFORE[kind][i]:.4f}"))
        best = {name: score[i] for name, score in scores[kind].items() if name not in ("tool", "complete records")}
        best = {name: score for name, score in best.items() if np.isfinite(score)}
        if best:
            name = min(best, key=lambda name: best[name])
            bars.append(Bar(f"{kind}: {error}", value, float(best[name]), note=f"best rival: {name}"))
    return bars
