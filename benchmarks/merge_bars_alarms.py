"""How often a merge of hospitals that differ in nothing is warned of something: ``merge_bars.py alarms``.

The worlds fulfil all assumptions. A warning that the number of patients or rows is small is right there, and so are statements of
what is always so; any other is a false alarm.
"""

from __future__ import annotations

import argparse
from collections import Counter

from merge_bars_table import Bar, show
from merge_worlds import draw_world

from ddlib.merge import merge

HARMLESS = ("few rows", "too few patients", "empty patients")


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seeds", type=int, default=60)
    parser.add_argument("--first", type=int, default=1000, help="the first seed")
    parser.add_argument("--patients", type=int, default=80, help="of each hospital")
    parser.add_argument("--kind", default="plain", help="see merge_worlds.py: plain, or gaps")
    parser.add_argument("--harmless", nargs="*", default=[], metavar="KIND", help="further kinds of warnings that are right here")


def run(given: argparse.Namespace) -> None:
    harmless, found, quiet = {*HARMLESS, *given.harmless}, Counter[str](), 0
    for seed in range(given.first, given.first + given.seeds):
        report = merge(draw_world(seed, given.kind, given.patients).frames, "id", "time", rows=50).report
        warned = {warning["kind"] for warning in report["warnings"]}
        found.update(warned)
        quiet += not warned - harmless
    for kind, times in found.most_common():
        print(f"{kind}: in {times} of {given.seeds} merges{' (right here)' if kind in harmless else ''}")
    show([Bar(f"merges of {given.seeds} without a false alarm", quiet, 0.95 * given.seeds, least=True)])
