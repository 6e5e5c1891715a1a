"""The role for numbers: what it shows, and what it refuses."""

from __future__ import annotations

import re
import sys

import pytest

from tests.ddbook.book.fake import NUMBERS, PROJECT

sys.path.insert(0, str(PROJECT / "book" / "_ext"))
import ddlib_numbers

FOUND = {f"merge_hospitals.{name}": number for name, number in NUMBERS.items()}


def shown(text: str) -> str:
    return "".join(node.astext() for node in ddlib_numbers.render(text, FOUND)).replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("merge_hospitals.regret_ipc20", "0.0123"),
        ("merge_hospitals.regret_ipc20:.3f", "0.012"),
        ("merge_hospitals.regret_ipc20:.1%", "1.2 %"),
        ("merge_hospitals.regret_ipc20:.3f:unit", "0.012 nats per trajectory"),
        ("merge_hospitals.regret_ipc20:.3f:interval", "0.012 (95 % interval 0.010–0.014)"),
        ("merge_hospitals.regret_ipc20:.3f:interval,unit,n", "0.012 nats per trajectory (95 % interval 0.010–0.014; n = 10)"),
        ("merge_hospitals.regret_ipc20:.3f:n", "0.012 (n = 10)"),
        ("merge_hospitals.test_ll:,.0f:interval", "−34,686 (95 % interval −34,700 to −34,650)"),
        ("merge_hospitals.exact_error:.0e", "2 × 10−13"),
    ],
)
def test_a_number_is_shown_as_asked(text: str, expected: str) -> None:
    assert shown(text) == expected


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("merge_hospitals.regret_ipc2:.3f", "did you mean 'merge_hospitals.regret_ipc20'"),
        ("nothing.at_all", "no run recorded the number 'nothing.at_all'"),
        ("merge_hospitals.regret_ipc20:.3q", "'.3q' is not a number format"),
        ("merge_hospitals.regret_ipc20:.3f:intervall", "use unit, interval or n"),
        ("merge_hospitals.exact_error:.1e:unit", "was recorded without 'unit'"),
        ("merge_hospitals.missing", "lacks a finite value"),
    ],
)
def test_what_cannot_be_shown_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=re.escape(complaint)):
        ddlib_numbers.render(text, FOUND)
