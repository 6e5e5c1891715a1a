"""The published figures: total log-likelihoods of 1000 test rows, one run each, no error bars. Facts, for comparison."""

from __future__ import annotations

ROWS = {
    2: {10: -58_085, 20: -42_319, 50: -38_385, 100: -36_561},
    10: {10: -232_777, 20: -180_135, 50: -162_529, 100: -155_691},
}
"""D^sub, as many clean rows as distilled ones, by slices and IPC: Figures 2 and 4."""
SETS = {
    2: {10: -43_300, 20: -39_786, 50: -37_756, 100: -36_338},
    10: {10: -178_320, 20: -156_529, 50: -154_272, 100: -154_571},
}
"""The distilled rows."""
SECOND_SETS = {10: -185_176, 20: -161_896, 50: -155_513, 100: -157_955}
"""Those of a second run with ten slices, in the release but not in the paper: larger steps, a random later pair in each score."""
ALL_ROWS = {2: -35_210, 10: -151_192}
"""All 1000 clean rows."""
LOGS = {
    (2, 10): {
        **{1: -57_788, 2: -55_888, 5: -54_351, 10: -50_381, 20: -49_051, 40: -46_530, 60: -45_615, 80: -44_778},
        **{100: -44_023, 120: -43_778, 140: -43_459, 160: -43_300},
    },
    (2, 20): {
        **{1: -47_827, 5: -45_339, 10: -44_410, 20: -43_855, 50: -42_882, 100: -41_719, 200: -40_757, 300: -40_393},
        **{400: -40_180, 500: -40_025, 600: -39_895, 700: -39_958, 800: -39_826, 900: -39_769, 1000: -39_786},
    },
    (10, 10): {1: -251_733, 2: -235_682, 3: -242_419, 4: -218_110, 10: -214_579, 40: -194_183, 80: -185_924, 160: -178_320},
}
"""Points of the curves of Figures 3 and 4, by slices, IPC and epoch; epoch e is that before the e-th update."""
