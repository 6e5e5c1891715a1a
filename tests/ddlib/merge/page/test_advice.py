"""What the page says first."""

from __future__ import annotations

import math

import pytest

from ddlib.merge.page.advice import conventions, patients_for, questions, trusted
from tests.ddlib.merge.page.reports import report


def with_pairs(*pairs):
    """A report of three hospitals with a, b, c of which only some were measured, and these pairs never together."""
    found = report(columns=3, static=0)
    for old, new in zip([one["name"] for one in found["columns"]], "abc", strict=True):
        found["by_visit"][new] = found["by_visit"].pop(old)
    for one, new in zip(found["columns"], "abc", strict=True):
        one["name"], one["offsets"] = new, {}
    has = {"a": (30, 0, 30), "b": (30, 0, 0), "c": (0, 20, 0)}
    found["coverage"] = {name: {f"hospital {k}": count for k, count in enumerate(counts)} for name, counts in has.items()}
    found["never_together"] = [
        {
            "columns": list(names),
            "patients_with_both": 0,
            "correlation": 0.1,
            "bounds": list(bounds),
            "sampling_error_included": True,
        }
        for names, bounds in pairs
    ]
    return found


def test_the_measurement_that_settles_most_is_asked_for_first():
    found = with_pairs(("ac", (-0.5, 0.5)), ("bc", (-0.9, 0.9)))
    (asked,) = (text for text in questions(found) if "measure" in text)
    assert asked.startswith("hospital 0: measure c beside b and a. About 20 patients with both would halve")
    assert asked.endswith("between b and c.")
    larger = questions(with_pairs(("bc", (-0.2, 0.2))))[0]
    assert larger.startswith("hospital 1: measure b beside c. About 385 patients with both (more than the 41 in its table)")


@pytest.mark.parametrize("bounds", [(-1.0, 1.0), (-0.2, 0.7), (0.30, 0.31)])
def test_so_many_patients_halve_the_bounds_and_one_less_do_not(bounds):
    number = patients_for({"bounds": list(bounds)})
    width = [2 * math.tanh(1.96 / math.sqrt(n - 3)) for n in (number, number - 1)]
    assert width[0] <= (bounds[1] - bounds[0]) / 2 < width[1]


def test_a_hospital_that_differs_is_asked_about_if_the_model_has_offsets():
    found = with_pairs()
    assert not any("how is" in text for text in questions(found))
    found["columns"][0]["offsets"] = {"hospital 0": 0.1, "hospital 2": -0.5 * found["columns"][0]["standard_deviation"]}
    assert any(text.startswith("hospital 2: how is a measured") and "below" in text for text in questions(found))
    found["model"]["hospitals_differ"]["used"] = False
    assert not any("how is" in text for text in questions(found))


def test_a_visit_with_few_patients_is_asked_for():
    found = with_pairs()
    for law in found["by_visit"].values():
        for seen in law["observed"].values():
            seen["patients"] = [30, 30, 30, 4]
    assert any("more patients at day 84" in text for text in questions(found))
    for law in found["by_visit"].values():
        for seen in law["observed"].values():
            seen["patients"] = [30] * 4
    assert questions(found) == ["Nothing in particular: no pair is missing, no hospital stands out, no visit is rare."]


def test_what_is_a_convention_names_the_widest_pair():
    said = " ".join(conventions(with_pairs(("ac", (-0.5, 0.5)), ("bc", (-0.9, 0.8)))))
    assert "2 pairs of columns were never measured together" in said
    assert "The widest is b and c: by that convention the correlation is +0.10, anything from −0.90 to +0.80" in said
    assert "Nothing within a visit" in " ".join(conventions(with_pairs()))


def test_a_fit_that_did_not_converge_is_not_trusted():
    found = with_pairs()
    assert not any("not converged" in text for text in trusted(found))
    found["warnings"].append({"kind": "not converged", "text": "stopped"})
    assert "had not converged" in trusted(found)[0]
