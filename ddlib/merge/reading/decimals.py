"""Whether a comma or a point is the decimal sign: what all numbers of a file say together, never one alone.

``1,5`` can only have a decimal comma, ``1,234,567`` only a decimal point; ``1,234`` may have either. One number that can be read
in one way decides for the file; two that contradict each other, or none beside some that can be read in two ways, are refused.
"""

from __future__ import annotations

import re
from pathlib import Path

from ddlib.files import InputError
from ddlib.merge.columns import shown

LIMIT = re.compile(r"\s*(<=|>=|<|>|≤|≥)\s*(.*)", re.DOTALL)
"""A value beyond a limit of detection: the sign and the limit."""
_FORM = re.compile(r"[+-]?([0-9.,]*[0-9][0-9.,]*)(?:[eE][+-]?[0-9]+)?")
_GROUPED = re.compile(r"[1-9][0-9]{0,2}(?:([.,])[0-9]{3})(?:\1[0-9]{3})*")
_SPACES = "'’\u00a0\u202f\u2009"
"""What may stand between groups of three digits, besides the comma or the point that is not the decimal sign."""
_NUMBERS = {
    sign: re.compile(
        rf"[+-]?(?:[0-9]+{re.escape(sign)}?[0-9]*|{re.escape(sign)}[0-9]+|"
        rf"[1-9][0-9]{{0,2}}(?:(?P<mark>[{re.escape(other)}{_SPACES}])[0-9]{{3}})(?:(?P=mark)[0-9]{{3}})*(?:{re.escape(sign)}[0-9]*)?)"
        r"(?:[eE][+-]?[0-9]+)?"
    )
    for sign, other in (".,", ",.")
}

_PLAIN = {sign: re.compile(rf"[0-9eE+\-\n{re.escape(sign)}]*") for sign in ".,"}


def as_number(text: str, decimal: str) -> float | None:
    """A text as the number that it is with a decimal sign; None if it is no number.

    Groups of three digits may be parted by the other of the two signs, an apostrophe or a narrow space.
    """
    text = text.replace("−", "-")
    found = _NUMBERS[decimal].fullmatch(text)
    if found is None:
        return None
    if mark := found["mark"]:
        text = text.replace(mark, "")
    return float(text if decimal == "." else text.replace(",", "."))


def plain_numbers(texts: list[str], decimal: str) -> list[float] | None:
    """Many texts as numbers, quickly; None if one is more than digits, a sign, a decimal sign and an exponent."""
    joined = "\n".join(texts)
    if texts and _PLAIN[decimal].fullmatch(joined):
        try:  # of such signs, Python reads as numbers just what is one
            return [float(text) for text in joined.replace(decimal, ".").split("\n")]
        except ValueError:
            return None
    return None


def _evidence(text: str) -> str | None:
    """What a text says of the decimal sign: the sign, "?." or "?," if that mark can be either, None if nothing."""
    limit = LIMIT.fullmatch(text)
    found = _FORM.fullmatch((limit[2] if limit else text).replace("−", "-").strip())
    if found is None:
        return None
    body = found[1]
    points, commas = body.count("."), body.count(",")
    if points and commas:
        last = max(".,", key=body.rfind)
        whole, _, rest = body.rpartition(last)
        grouped = _GROUPED.fullmatch(whole)
        return last if rest.isdigit() and grouped and grouped[1] != last else None
    if not points and not commas:
        return None
    mark, other = (".", ",") if points else (",", ".")
    grouped = _GROUPED.fullmatch(body)
    if points + commas > 1:
        return other if grouped else None
    return f"?{mark}" if grouped else mark


def decimal_sign(columns: list[tuple[str, list[str]]], path: Path, separator: str | None) -> str | None:
    """The decimal sign of a file; None if no number has one.

    Args:
        columns: their names, and their distinct texts.
        path: of the file, for messages.
        separator: of its fields; where that is a comma, a point in a number is its decimal sign.

    Raises:
        InputError: if numbers contradict each other, or all can be read in two ways.
    """
    seen: dict[str, tuple[str, str]] = {}
    for name, texts in columns:
        for text in texts:
            points, commas = text.count("."), text.count(",")
            nothing_new = points + commas == 0 or (points + commas == 1 and (".", ",")[commas] in seen)
            if not nothing_new and (said := _evidence(text)):
                seen.setdefault(said, (name, text))
    if "." in seen and "," in seen:
        raise InputError(
            f"{path} has numbers with a decimal point ({_cited(*seen['.'])}) and with a decimal comma ({_cited(*seen[','])}): "
            "write one of them throughout"
        )
    for sign, other in (".,", ",."):
        if sign in seen:
            _check_groups(columns, sign, other, path)
            return sign
    if "?." in seen and "?," not in seen and separator == ",":
        return "."
    for said in ("?,", "?."):
        if said in seen:
            mark = "comma" if said == "?," else "point"
            raise InputError(
                f"the {mark} of {_cited(*seen[said])} in {path} may be a decimal sign or part thousands, and no other number of "
                "the file tells: say which sign is the decimal one (--decimal . or --decimal ,)"
            )
    return None


def _check_groups(columns: list[tuple[str, list[str]]], sign: str, other: str, path: Path) -> None:
    """Refuse ``1.234`` beside ``2,5`` in a column without any ``1.234,5``: as a slip it would be a thousand times too large."""
    for name, texts in columns:
        parted = [text for text in texts if other in text]
        if not any(_evidence(text) == f"?{other}" for text in parted) or any(_evidence(text) == sign for text in parted):
            continue
        for text in texts:
            if sign in text and _evidence(text) == sign:
                slip = next(text for text in parted if _evidence(text) == f"?{other}")
                raise InputError(
                    f"the column {name!r} of {path} holds {shown(slip)} and {shown(text)}: say --decimal {sign} if the first is "
                    "above a thousand, else write its decimal sign as the others'"
                )


def _cited(name: str, text: str) -> str:
    return f"{shown(text)} in {name!r}"
