"""What a ledger may say: every contradiction is named before anything is judged."""

import pytest

from ddbook.press.claims import read_ledger
from ddbook.press.profiles import chapters
from ddlib.datasets import PINNED
from ddlib.files import InputError
from tests import ROOT
from tests.ddbook.press.claims.world import CLAIM, ledger


def test_the_ledger_of_the_book_covers_figures_table_and_algorithms():
    claims = read_ledger(ROOT / "book" / "claims.yml")
    sources = " ".join(claim.source for claim in claims if claim.whose == "paper")
    for name in [
        "Figure 1",
        "Figure 2",
        "Figure 3",
        "Figure 4",
        "Figure 5",
        "Figure 6",
        "Figure 7",
        "Table 1",
        "Algorithm 1",
        "Algorithm 2",
    ]:
        assert name in sources
    tested = {claim.chapter for claim in claims if claim.statistics}
    assert tested == {path.stem for path in chapters(ROOT / "notebooks")}


def test_each_line_under_each_is_a_statistic_of_its_own(tmp_path):
    statistic = {"label": "score, {name}", "table": "scores", "value": "score", "rows": ["method == '{name}'"], "each": []}
    statistic["each"] = [{"name": "a", "at_least": 0}, {"name": "b", "at_least": 1, "published": 7}]
    (claim,) = read_ledger(ledger(tmp_path, CLAIM | {"statistics": [statistic]}))
    first, second = claim.statistics
    assert (first.label, first.rows, first.at_least, first.published) == ("score, a", ["method == 'a'"], 0, None)
    assert (second.label, second.rows, second.at_least, second.published) == ("score, b", ["method == 'b'"], 1, 7)


TABLE = {"label": "one", "table": "scores", "value": "score", "rows": "method == 'a'", "at_least": 0}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"statistics": []}, "either statistics or the reason"),
        ({"untestable": "because"}, "either statistics or the reason"),
        ({"threshold_from": ""}, "needs chapter, threshold_from and refuted_by"),
        ({"seeds": 1}, "two seeds at least"),
        ({"requires": {"share": {"at_leest": 1}}}, "a value, or"),
        ({"treshold": 3}, "treshold"),
        ({"whose": "theirs"}, "whose"),
        ({"chapter": "merge"}, "chapter"),
        ({"statistics": [TABLE | {"number": "error"}]}, "either a number or a table"),
        ({"statistics": [TABLE | {"rows": None}]}, "needs a value"),
        ({"statistics": [TABLE | {"minus": "x", "over": "y"}]}, "minus or over"),
        ({"statistics": [TABLE | {"at_least": None}]}, "give a threshold"),
        ({"statistics": [TABLE | {"at_most": -1}]}, "nothing between"),
        ({"statistics": [TABLE | {"at_least": float("nan")}]}, "finite"),
        ({"statistics": [{"label": "one", "number": "error", "minus": "x", "at_most": 1}]}, "go with a table"),
        ({"statistics": [TABLE | {"label": "score of {who}", "each": [{"name": "a"}]}]}, "asks in braces for 'who'"),
        ({"statistics": [TABLE | {"label": "score of {0}", "each": [{"name": "a"}]}]}, "asks in braces"),
        ({"statistics": [TABLE | {"label": "score {", "each": [{"name": "a"}]}]}, "asks in braces"),
        ({"statistics": [TABLE | {"each": [1, 2]}]}, "list of mappings"),
        ({"statistics": [TABLE | {"at_least": None, "published": 1.0, "minus": "method == 'b'"}]}, "without minus or over"),
        ({"statistics": [TABLE | {"minus": "method == 'b'"}]}, "names its factor"),
        ({"statistics": [TABLE | {"over": "method == 'b'"}]}, "names its factor"),
        ({"statistics": [TABLE | {"rivals": "method", "judges": "learner"}]}, "names its factor"),
        ({"statistics": [TABLE | {"factor": ["method.type"]}]}, "goes with minus, over or rivals"),
        ({"statistics": [TABLE | {"factor": ["method type"], "minus": "method == 'b'"}]}, "factor.0"),
        ({"statistics": [TABLE | {"rivals": "method", "factor": ["method"]}]}, "give both"),
        ({"statistics": [TABLE | {"rivals": "m", "judges": "l", "factor": ["m"], "repeats": "mean"}]}, "leave out minus"),
        ({"statistics": [TABLE | {"units": True, "over": "method == 'b'", "factor": ["method"]}]}, "means and differences"),
        ({"statistics": [{"label": "one", "number": "error", "units": True, "at_most": 1}]}, "means and differences"),
        ({"statistics": [TABLE | {"at_least": None, "published": 1.0}]}, "needs widest"),
        ({"statistics": [TABLE | {"widest": 1.0}]}, "needs widest"),
        ({"statistics": [TABLE | {"at_least": None, "published": 1.0, "widest": 0}]}, "greater than 0"),
        ({"untestable": "because", "undecidable": "because", "statistics": []}, "either statistics or the reason"),
    ],
)
def test_a_contradiction_is_named_with_its_claim(tmp_path, change, complaint):
    with pytest.raises(InputError, match="claim better") as error:
        read_ledger(ledger(tmp_path, CLAIM | change))
    assert complaint in str(error.value)


def test_an_id_is_given_once(tmp_path):
    with pytest.raises(InputError, match="'better' is given twice"):
        read_ledger(ledger(tmp_path, CLAIM, CLAIM))


@pytest.mark.parametrize(("text", "complaint"), [("- id: [", "not YAML"), ("id: x", "not a list"), ("", "not a list")])
def test_a_file_of_another_form_is_named(tmp_path, text, complaint):
    path = tmp_path / "claims.yml"
    path.write_text(text)
    with pytest.raises(InputError, match=complaint):
        read_ledger(path)


def test_a_missing_ledger_says_where_to_call(tmp_path):
    with pytest.raises(InputError, match="folder of the project"):
        read_ledger(tmp_path / "claims.yml")


def test_the_data_that_claims_rest_on_are_those_of_the_library():
    data = {each.data for claim in read_ledger(ROOT / "book" / "claims.yml") for each in claim.statistics if each.data}
    assert data and data <= {table.dataset for table in PINNED}
