"""The command: exit status, tables, JSON, the record of verdicts."""

import json

import pytest
from typer.testing import CliRunner

from ddbook.press.claims import read_ledger
from ddbook.press.cli import app
from ddbook.press.inputs import NOT_AVAILABLE
from ddbook.press.provenance import Run
from ddlib.files import InputError
from tests import ROOT
from tests.ddbook.book.fake import settle
from tests.ddbook.press.claims.world import CLAIM, finished_run, ledger, number

GOOD, BAD, OTHER = [3.0, 3.1, 2.9], [0.0, 0.1, -0.1], [1.0, 1.0, 1.1]


@pytest.fixture
def house(tmp_path, monkeypatch):
    (tmp_path / "pyproject.toml").write_text("")
    ledger(tmp_path, CLAIM)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def claims(*options):
    return CliRunner().invoke(app, ["claims", *options])


def run(house, a, numbers=None):
    finished_run(house / "_build" / "laptop" / "runs", {"a": a, "b": OTHER}, numbers)


def test_a_number_that_crosses_its_threshold_flips_the_verdict_and_the_exit_status(house):
    run(house, GOOD)
    first = claims("--record")
    assert (first.exit_code, "● reproduced" in first.output) == (0, True)
    assert json.loads((house / "reference" / "claims.json").read_text()) == {"laptop": {"better": "reproduced"}}
    run(house, BAD)
    second = claims()
    assert (second.exit_code, "○ not reproduced" in second.output) == (1, True)
    assert "better is not reproduced and was reproduced" in second.output
    assert claims("--record").exit_code == 0
    assert claims().exit_code == 0
    run(house, GOOD)
    assert claims().exit_code == 0  # better than on record is no loss


def test_a_run_without_verdicts_on_record_says_so(house):
    run(house, GOOD)
    found = claims()
    assert (found.exit_code, "No verdicts of laptop are on record" in found.output) == (0, True)


def test_a_claim_that_has_left_the_ledger_is_a_loss(house):
    run(house, GOOD)
    claims("--record")
    ledger(house, CLAIM | {"id": "renamed"})
    found = claims()
    assert (found.exit_code, "better was reproduced and is no longer in the ledger" in found.output) == (1, True)


def test_a_lost_number_is_a_loss(house):
    run(house, BAD)
    claims("--record")
    finished_run(house / "_build" / "laptop" / "runs", {"b": OTHER})
    found = claims()
    assert (found.exit_code, "no rows with method == 'a'" in found.output) == (1, True)


@pytest.fixture
def without_labs(house):
    """A claim on two data sets, on record as reproduced; then a run without a table of the second, as its record may explain."""
    table = CLAIM["statistics"][0]
    ledger(house, CLAIM | {"statistics": [table, table | {"label": "score of labs", "table": "labs", "data": "labs"}]})
    place = finished_run(house / "_build" / "laptop" / "runs", {"a": GOOD, "b": OTHER})
    labs = place / "results" / "labs.csv"
    labs.write_text((place / "results" / "scores.csv").read_text())
    assert claims("--record").exit_code == 0
    labs.unlink()
    return place


def looked_for(place, inputs):
    """What a run notes of the data that it read, or did not find."""
    settle(place, Run.read(place / "run.json").model_copy(update={"inputs": inputs}))


def test_what_a_run_could_not_test_for_want_of_data_is_no_loss(house, without_labs):
    looked_for(without_labs, {"labs": NOT_AVAILABLE})
    found = claims("--record")
    assert (found.exit_code, "not testable" in found.output, "the data were not there: labs" in found.output) == (0, True, True)
    assert json.loads((house / "reference" / "claims.json").read_text()) == {"laptop": {"better": "reproduced"}}


@pytest.mark.parametrize("inputs", [{}, {"labs: a.csv": "0" * 64}, {"others": NOT_AVAILABLE}])
def test_a_lost_table_is_a_loss_unless_the_run_says_that_its_own_data_were_missing(without_labs, inputs):
    looked_for(without_labs, inputs)
    assert claims().exit_code == 1


def test_missing_data_excuse_no_other_loss(house, without_labs):
    run(house, BAD)
    looked_for(without_labs, {"labs": NOT_AVAILABLE})
    assert claims().exit_code == 1
    (without_labs / "results" / "scores.csv").unlink()
    assert claims().exit_code == 1


def test_the_reference_has_a_record_of_its_own(house):
    run(house, BAD)
    finished_run(house / "reference", {"a": GOOD, "b": OTHER})
    claims("--record")
    assert claims("--reference", "--record").exit_code == 0
    record = json.loads((house / "reference" / "claims.json").read_text())
    assert record == {"laptop": {"better": "not reproduced"}, "reference": {"better": "reproduced"}}


def test_a_planted_deviation_from_the_reference_is_printed(house):
    run(house, GOOD, {"error": number(0.9, 0.8, 1.0, 3), "other": number(0.52, 0.4, 0.6, 3), "same": number(1.5)})
    finished_run(
        house / "reference", {}, {"error": number(0.5, 0.45, 0.55, 10), "other": number(0.5, 0.45, 0.55, 10), "same": number(1.5)}
    )
    text = claims("--against", "reference").output
    assert "error" in text
    assert "other" not in text
    assert "undecided" in text
    found = json.loads(claims("--against", "reference", "--json").stdout)
    numbers = {each["key"]: each["relation"] for each in found["against"]["04_merge_hospitals"]["numbers"]}
    assert numbers == {
        f"04_merge_hospitals.{name}": how
        for name, how in {"error": "differs", "other": "intervals overlap", "same": "agrees"}.items()
    }


def test_json_holds_every_verdict_with_its_numbers(house):
    run(house, GOOD)
    (claim,) = json.loads(claims("--json").stdout)["claims"]
    (statistic,) = claim["statistics"]
    assert (claim["id"], claim["verdict"], statistic["wanted"], statistic["n"]) == ("better", "reproduced", "at least 0", 3)
    assert statistic["low"] < statistic["value"] < statistic["high"]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [(["--profile", "paper"], "no finished run"), (["--reference"], "make reference"), (["--against", "smoke"], "no finished run")],
)
def test_a_missing_run_is_wrong_input(house, options, complaint):
    run(house, GOOD)
    with pytest.raises(InputError, match=complaint):
        CliRunner().invoke(app, ["claims", *options], catch_exceptions=False)


def test_the_record_of_the_book_holds_every_claim():
    root = ROOT
    record = json.loads((root / "reference" / "claims.json").read_text())
    known = [claim.id for claim in read_ledger(root / "book" / "claims.yml")]
    assert {name: sorted(found) for name, found in record.items()} == dict.fromkeys(("laptop", "reference"), sorted(known))


@pytest.mark.parametrize("option", [(), ("--record",)])
@pytest.mark.parametrize("text", ["not json", "[]", '{"laptop": {"better": "splendid"}}', '{"laptop": 3}'])
def test_a_damaged_record_is_wrong_input(house, text, option):
    run(house, GOOD)
    (house / "reference").mkdir()
    (house / "reference" / "claims.json").write_text(text)
    with pytest.raises(InputError, match=r"claims\.json"):
        CliRunner().invoke(app, ["claims", *option], catch_exceptions=False)
    assert (house / "reference" / "claims.json").read_text() == text
