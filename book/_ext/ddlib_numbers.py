"""The role ``res``: a number in prose is read from the results of the run, never typed.

``{res}`merge_hospitals.regret_ipc20:.3f` `` shows the value of the number ``regret_ipc20`` that the notebook
``04_merge_hospitals`` recorded, in the given Python format (default ``.3g``). A third part adds, separated by commas, ``unit``,
``interval`` (its 95 % interval) or ``n`` (how many repetitions it rests on), as in
``{res}`merge_hospitals.regret_ipc20:.3f:interval,unit` ``.
An unknown number, format or addition is a warning, so that a strict build fails. A page is read again when a number that it quotes
has changed.
"""

from __future__ import annotations

import difflib
import math
from typing import Any, ClassVar

from ddlib_shown import Shown
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxRole
from sphinx.util.typing import ExtensionMetadata

LOGGER = logging.getLogger(__name__)
NBSP = "\N{NO-BREAK SPACE}"
NUMBERS = Shown("ddlib_numbers")


class ResultRole(SphinxRole):
    """Replaces ``key[:format[:additions]]`` by the recorded number."""

    additions: ClassVar[set[str]] = {"unit", "interval", "n"}

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Shows the number, or warns and shows its source."""
        NUMBERS.show(self.env, self.text.partition(":")[0].strip())
        try:
            return render(self.text, NUMBERS.entries(self.env)), []
        except ValueError as error:
            LOGGER.warning(str(error), location=self.get_location(), type="ddlib", subtype="res")
            return [nodes.literal(self.rawtext, self.text)], []


def render(text: str, numbers: dict[str, dict[str, Any]]) -> list[nodes.Node]:
    """Turns the role's text into nodes; a ValueError says what is wrong with it."""
    key, spec, extra = [*(part.strip() for part in text.split(":", 2)), "", ""][:3]
    if key not in numbers:
        raise ValueError(f"no run recorded the number '{key}'{_closest(key, numbers)}")
    wanted = {word.strip() for word in extra.split(",") if word.strip()}
    if wanted - ResultRole.additions:
        raise ValueError(f"'{text}' asks for '{min(wanted - ResultRole.additions)}': use unit, interval or n")
    number = numbers[key]
    out = typeset(number.get("value"), spec, key)
    if "unit" in wanted:
        out.append(nodes.Text(NBSP + _given(number, "unit", key)))
    if {"interval", "n"} & wanted:
        out.append(nodes.Text(" ("))
        if "interval" in wanted:
            low, high = typeset(number.get("low"), spec, key), typeset(number.get("high"), spec, key)
            out += [nodes.Text(f"95{NBSP}% interval "), *low, nodes.Text(_dash(low, high)), *high]
        if "n" in wanted:
            out.append(nodes.Text(("; " if "interval" in wanted else "") + f"n{NBSP}={NBSP}{_given(number, 'n', key)}"))
        out.append(nodes.Text(")"))
    return out


def typeset(value: float | None, spec: str, key: str) -> list[nodes.Node]:
    """Formats one number, with a true minus sign and powers of ten."""
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"the number '{key}' lacks a finite value, or an end of its interval, in this run")
    try:
        text = format(value, spec or ".3g")
    except ValueError:
        raise ValueError(f"'{spec}' is not a number format of Python, as needed for '{key}'") from None
    mantissa, _, exponent = text.replace("-", "−").replace("%", f"{NBSP}%").partition("e")
    if not exponent:
        return [nodes.Text(mantissa)]
    power = exponent.replace("+", "").replace("−", "-")
    return [nodes.Text(f"{mantissa} × 10"), nodes.superscript("", str(int(power)).replace("-", "−"))]


def _given(number: dict[str, Any], field: str, key: str) -> str:
    value = number.get(field)
    if value in (None, ""):
        raise ValueError(f"the number '{key}' was recorded without '{field}'")
    return str(value)


def _dash(low: list[nodes.Node], high: list[nodes.Node]) -> str:
    """An en dash between plain numbers; "to" where a sign or a power would make it hard to read."""
    return "–" if len(low) == len(high) == 1 and "−" not in low[0].astext() + high[0].astext() else " to "


def _closest(key: str, numbers: dict[str, Any]) -> str:
    found = difflib.get_close_matches(key, numbers, n=1, cutoff=0.4)
    return f"; did you mean '{found[0]}'?" if found else ""


def setup(app: Sphinx) -> ExtensionMetadata:
    """Registers the role and the place of the numbers file, relative to the source folder."""
    NUMBERS.setup(app, "book/generated/numbers.json")
    app.add_role("res", ResultRole())
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
