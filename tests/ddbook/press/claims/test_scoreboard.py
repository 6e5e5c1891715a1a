"""The scoreboard: paper, reference and this run side by side, each claim linked to its figure, failures shown failing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml
from bs4 import BeautifulSoup, Tag

from ddbook.press.claims.fragments import fragments
from tests.ddbook.book import fake

STEM = "01_one_dataset_many_tasks"
COMMON = {"source": "Figure 2", "chapter": STEM, "threshold_from": "the statement", "refuted_by": "another value"}
CLAIMS = [
    COMMON
    | {
        "id": "holds",
        "statement": "The regret is small, < 1.",
        "whose": "paper",
        "figure": "regret",
        "statistics": [{"label": "regret", "number": "regret_ipc20", "at_most": 0.02, "published": 0.015}],
    },
    COMMON
    | {
        "id": "fails",
        "statement": "The log-likelihood is high.",
        "whose": "ours",
        "figure": "not_drawn",
        "statistics": [{"label": "log-likelihood", "number": "test_ll", "at_least": -34000}],
    },
    {"id": "open", "statement": "It is new.", "source": "abstract", "whose": "paper", "untestable": "an expectation"},
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = fake.make_root(tmp_path)
    (made / "book" / "claims.yml").write_text(yaml.safe_dump(CLAIMS), encoding="utf-8")
    return made


def board(root: Path) -> BeautifulSoup:
    return BeautifulSoup(fragments(root, fake.PROFILE)["scoreboard.md"], "html.parser")


def article(page: BeautifulSoup, claim: str) -> Tag:
    found = page.select_one(f"article#claim-{claim}")
    assert found is not None
    return found


def judged(page: BeautifulSoup, claim: str) -> str:
    """The sentence of a claim's verdicts."""
    (sentence,) = article(page, claim).select("p.judged")
    return sentence.get_text(" ", strip=True).replace("( ", "(")


def numbers(page: BeautifulSoup, claim: str) -> list[list[str]]:
    """The rows of a claim's table: statistic, paper, reference, this run."""
    rows = article(page, claim).select("tbody tr")
    return [[cell.get_text(" ", strip=True) for cell in row.select("th, td")] for row in rows]


def make_reference(root: Path, test_ll: float) -> None:
    target = root / "reference" / STEM
    shutil.copytree(root / "_build" / fake.PROFILE / "runs" / STEM, target, ignore=shutil.ignore_patterns("*.ipynb", "figures"))
    numbers = fake.NUMBERS | {"test_ll": {"value": test_ll, "low": test_ll - 10, "high": test_ll + 10, "n": 10, "unit": "nats"}}
    (target / "results" / "numbers.json").write_text(json.dumps(numbers), encoding="utf-8")


def test_without_a_reference_the_board_says_so(root: Path) -> None:
    page = board(root)
    assert judged(page, "holds") == "● reproduced in this run; there is no reference"
    assert judged(page, "fails") == "○ not reproduced in this run; there is no reference"
    assert judged(page, "open") == "– not testable (an expectation) in this run; there is no reference"
    assert "make reference" in fragments(root, fake.PROFILE)["deviations.md"]


def test_paper_reference_and_run_stand_side_by_side(root: Path) -> None:
    make_reference(root, -33000.0)
    page = board(root)
    assert judged(page, "holds") == "● reproduced"  # both say so
    assert judged(page, "fails") == "● reproduced · this run: ○ not reproduced"
    ((label, paper, reference, run),) = numbers(page, "fails")
    assert label == "log-likelihood wanted: at least −34000"
    assert paper == ""
    assert reference == "● −33,000 [−33,010 to −32,990], n = 10"
    assert run == "○ −34,686 [−34,700 to −34,650], n = 10"
    assert numbers(page, "holds")[0][1] == "0.015"
    text = fragments(root, fake.PROFILE)
    assert "| ● reproduced | 1 | 1 | 1 | 0 |" in text["claims_totals.md"]  # reference: the paper's, ours; this run: the same
    assert f"| {{doc}}`/notebooks/{STEM}` | `test_ll` |" in text["deviations.md"]
    assert "regret_ipc20" not in text["deviations.md"]
    assert f"| {STEM} | 1.4 | 0.50 | – |" in text["reference.md"]


def test_a_run_that_cannot_test_a_claim_shows_the_references_verdict(root: Path) -> None:
    make_reference(root, -33000.0)
    claims = [*CLAIMS[:1], CLAIMS[1] | {"requires": {"n_seeds": 9}}, *CLAIMS[2:]]
    (root / "book" / "claims.yml").write_text(yaml.safe_dump(claims), encoding="utf-8")
    where = root / "reference" / STEM
    fake.settle(where, fake.record(STEM).model_copy(update={"parameters": {"n_seeds": 9}}))
    page = board(root)
    assert judged(page, "fails") == "● reproduced · this run: not testable here"
    assert [found["title"] for found in page.select("#claim-fails p.judged > [title]")] == [
        "n_seeds is 3 in this run and has to be 9 or more"
    ]
    verdicts = json.loads(fragments(root, fake.PROFILE)["verdicts.json"])
    assert (verdicts["fails"]["verdict"], verdicts["fails"]["here"]) == ("reproduced", "")
    assert "This run cannot test it: n_seeds is 3" in verdicts["fails"]["title"]


def test_sentences_get_the_references_verdict_and_what_this_run_says_to_it(root: Path) -> None:
    alone = json.loads(fragments(root, fake.PROFILE)["verdicts.json"])
    assert (alone["fails"]["sign"], alone["fails"]["verdict"], alone["fails"]["here"]) == ("○", "not reproduced", "")
    make_reference(root, -33000.0)
    both = json.loads(fragments(root, fake.PROFILE, {STEM: "older than the code"})["verdicts.json"])
    assert (both["fails"]["sign"], both["fails"]["verdict"], both["fails"]["here"]) == ("●", "reproduced", "○ not reproduced")
    assert both["fails"]["title"] == "The log-likelihood is high. (older than the code)"
    assert both["holds"]["here"] == ""
    assert list(both) == ["holds", "fails", "open"]


def test_what_did_not_hold_is_listed_with_links(root: Path) -> None:
    text = fragments(root, fake.PROFILE)
    listed = BeautifulSoup(text["claims_not_held_ours.md"], "html.parser")
    assert [str(a["href"]) for a in listed.select("a")] == ["claims.html#claim-fails"]
    assert "○ not reproduced" in listed.get_text()
    assert text["claims_not_held.md"] == "There is none."


def test_each_statistic_is_a_picture_that_says_what_it_shows(root: Path) -> None:
    make_reference(root, -33000.0)
    page = board(root)
    (drawing,) = article(page, "fails").select("svg")
    assert str(drawing["aria-label"]) == (
        "log-likelihood; wanted at least −34000; reference −33,000, from −33,010 to −32,990, reproduced; "
        "this run −34,686, from −34,700 to −34,650, not reproduced"
    )
    assert article(page, "open").select("svg") == []
    assert len(article(page, "holds").select("path.paper")) == 1


def test_each_claim_leads_to_its_figure_or_else_its_chapter(root: Path) -> None:
    links = {body["id"]: [str(a["href"]) for a in body.select("a")] for body in board(root).select("article")}
    assert links == {
        "claim-holds": [f"../notebooks/{STEM}.html#figure-regret"],
        "claim-fails": [f"../notebooks/{STEM}.html"],
        "claim-open": [],
    }


def test_text_of_the_ledger_is_text_on_the_page(root: Path) -> None:
    source = fragments(root, fake.PROFILE)["scoreboard.md"]
    assert "small, &lt; 1." in source
    details = board(root).select_one("#claim-holds details")
    assert details is not None
    assert "Refuted by: another value." in details.get_text()


def test_spread_is_half_the_interval_as_a_share(root: Path) -> None:
    shares = sorted((n["high"] - n["low"]) / 2 / abs(n["value"]) for n in fake.NUMBERS.values() if n["value"])
    line = next(line for line in fragments(root, fake.PROFILE)["spread.md"].splitlines() if STEM in line)
    assert line.split("|")[2:4] == [" 3 ", f" {100 * shares[1]:.0f} % "]


def test_claims_stand_under_their_topics(root: Path) -> None:
    topics = [{"topic": "First"}, CLAIMS[0], {"topic": "Second"}, *CLAIMS[1:]]
    (root / "book" / "claims.yml").write_text(yaml.safe_dump(topics), encoding="utf-8")
    source = fragments(root, fake.PROFILE)["scoreboard.md"]
    places = [source.index(text) for text in ("## First", 'id="claim-holds"', "## Second", 'id="claim-fails"', 'id="claim-open"')]
    assert places == sorted(places)
