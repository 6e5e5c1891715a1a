"""Units that laboratories and clinics use for one quantity, and how one becomes another."""

from __future__ import annotations

import math
from typing import NamedTuple


class Conversion(NamedTuple):
    """One pair of units: a value in the second is ``factor`` times the one in the first, plus ``offset``.

    Attributes:
        units: their names.
        factor, offset: the conversion.
        names: parts of column names that speak for it; none if any column may be in these units.
    """

    units: tuple[str, str]
    factor: float
    offset: float = 0.0
    names: tuple[str, ...] = ()

    def speaks_for(self, column: str) -> bool:
        """Whether a column's name is one of a quantity with these units.

        >>> CONVERSIONS[0].speaks_for("Glucose_fasting"), CONVERSIONS[0].speaks_for("hb")
        (True, False)
        """
        return any(name in column.casefold() for name in self.names)


CONVERSIONS = (
    Conversion(("glucose in mmol/L", "mg/dL"), 18.016, 0.0, ("gluc", "glc", "sugar", "gluk")),
    Conversion(("creatinine in mg/dL", "µmol/L"), 88.42, 0.0, ("crea", "krea", "scr")),
    Conversion(("cholesterol in mmol/L", "mg/dL"), 38.67, 0.0, ("chol", "ldl", "hdl")),
    Conversion(("triglycerides in mmol/L", "mg/dL"), 88.57, 0.0, ("trig", "tgl", "tg")),
    Conversion(("bilirubin in mg/dL", "µmol/L"), 17.1, 0.0, ("bili",)),
    Conversion(("uric acid in mg/dL", "µmol/L"), 59.48, 0.0, ("uric", "urate", "harns")),
    Conversion(("urea nitrogen in mmol/L", "mg/dL"), 2.8, 0.0, ("bun",)),
    Conversion(("urea in mmol/L", "mg/dL"), 6.006, 0.0, ("urea", "harnstoff")),
    Conversion(("calcium in mmol/L", "mg/dL"), 4.008, 0.0, ("calc", "ca")),
    Conversion(("magnesium in mmol/L", "mg/dL"), 2.431, 0.0, ("magn", "mg")),
    Conversion(("phosphate in mmol/L", "mg/dL"), 3.097, 0.0, ("phos",)),
    Conversion(("iron in µmol/L", "µg/dL"), 5.585, 0.0, ("iron", "eisen")),
    Conversion(("vitamin D in ng/mL", "nmol/L"), 2.496, 0.0, ("vitd", "vit_d", "vitamin", "25oh", "calcid")),
    Conversion(("testosterone in nmol/L", "ng/dL"), 28.84, 0.0, ("testo",)),
    Conversion(("cortisol in µg/dL", "nmol/L"), 27.59, 0.0, ("cort",)),
    Conversion(("thyroxine in µg/dL", "nmol/L"), 12.87, 0.0, ("t4", "thyrox")),
    Conversion(("insulin in µU/mL", "pmol/L"), 6.945, 0.0, ("insul",)),
    Conversion(("albumin-to-creatinine ratio in mg/mmol", "mg/g"), 8.84, 0.0, ("acr", "uacr")),
    Conversion(("lactate in mmol/L", "mg/dL"), 9.008, 0.0, ("lact",)),
    Conversion(("pressure in kPa", "mmHg"), 7.501, 0.0, ("po2", "pco2", "press", "sbp", "dbp", "bp")),
    Conversion(("a length in inches", "cm"), 2.54, 0.0, ("height", "length", "waist", "hip", "circ", "hgt")),
    Conversion(("a weight in kg", "pounds"), 2.2046, 0.0, ("weight", "wt", "wgt", "mass")),
    Conversion(("a height in feet", "cm"), 30.48, 0.0, ("height", "hgt")),
    Conversion(("g/dL", "g/L, or mm and cm"), 10.0),
    Conversion(("a share", "per cent, or cm and m"), 100.0),
    Conversion(("two units a thousandfold apart", "such as g and mg"), 1000.0),
    Conversion(("two units a millionfold apart", "such as g and µg"), 1e6),
    Conversion(("a temperature in °C", "°F"), 1.8, 32.0, ("temp", "bt")),
    Conversion(("HbA1c in %", "mmol/mol"), 10.929, -23.50, ("a1c",)),
)
"""Factors by molar mass, as in the AMA Manual of Style (11th edition, 2020), section 17.5, on the Système international."""


_CLOSE = 0.06
"""Distance of logarithms up to which a conversion of another quantity than the column's name speaks of is named."""


class Explained(NamedTuple):
    """What a factor between two groups of values may be.

    Attributes:
        factor: that of the conversion, or the estimate if none is near.
        units: the conversion in words; empty if none is near.
        expected: whether the column's name speaks for it, or it is one that any column may have.
    """

    factor: float
    units: str
    expected: bool


def explain(column: str, factor: float, error: float) -> Explained:
    """The conversion that a factor between two groups of values is, as well as the values tell.

    Args:
        column: its name; what speaks for a quantity comes first.
        factor: estimated.
        error: how far its logarithm may be from that of the true one.

    >>> explain("glucose", 17.7, 0.1)
    Explained(factor=18.016, units='glucose in mmol/L and mg/dL', expected=True)
    >>> explain("hb", 1 / 10.1, 0.1)
    Explained(factor=0.1, units='g/dL and g/L, or mm and cm', expected=True)
    >>> explain("hb", 6.6, 0.02)
    Explained(factor=6.6, units='', expected=False)
    """
    size, sign = abs(math.log(factor)), math.copysign(1, math.log(factor))
    far = {one: abs(math.log(one.factor) - size) for one in CONVERSIONS if not one.offset}
    near = [one for one in far if far[one] <= error]
    near = [one for one in near if one.speaks_for(column)] or near
    if not near:
        return Explained(factor, "", False)
    best = min(near, key=far.__getitem__)
    expected = best.speaks_for(column) or not best.names
    if not expected and far[best] > _CLOSE:
        return Explained(factor, "", False)
    return Explained(best.factor**sign, " and ".join(best.units), expected)
