"""The bars of the merge tool, each measured through the public interface: the value, the bar, and whether it is met.

Run one of them with ``python benchmarks/merge_bars.py halves --halvings 5``, and see ``--help`` for the sizes:

- ``errors``: the law found on simulated hospitals against the truth, with offsets, levels, trends and gaps, beside other tools;
- ``halves``: on real patients, the correlation of two columns that no patient has together, and its bounds;
- ``speed``: seconds and memory, their growth with the patients, and whether the number of threads matters;
- ``alarms``: warnings where there is nothing to be warned of.

How often intervals from completed and synthetic tables hold the truth is in ``merge_coverage.py``. Each takes a few minutes on one
core. Real records are read as
:mod:`ddlib.datasets` says.
"""

from __future__ import annotations

import argparse
import time

import merge_bars_alarms
import merge_bars_errors
import merge_bars_halves
import merge_bars_speed

PROGRAMMES = {
    "errors": merge_bars_errors,
    "halves": merge_bars_halves,
    "speed": merge_bars_speed,
    "alarms": merge_bars_alarms,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure one of the merge tool's bars.")
    commands = parser.add_subparsers(dest="programme", required=True)
    for name, programme in PROGRAMMES.items():
        programme.options(commands.add_parser(name, help=(programme.__doc__ or "").split(":")[0]))
    given = parser.parse_args()
    start = time.perf_counter()
    PROGRAMMES[given.programme].run(given)
    print(f"measured in {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
