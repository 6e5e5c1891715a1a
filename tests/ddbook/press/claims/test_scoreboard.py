"""The scoreboard: paper, reference and this run side by side, each claim linked to its figure, failures shown failing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml
from bs4 import BeautifulSoup

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


def cells(page: BeautifulSoup, claim: str) -> list[list[str]]:
    return [[cell.get_text(" ", strip=True) for cell in row.select("td")] for row in page.select(f"#claim-{claim} tr")]


def make_reference(root: Path, test_ll: float) -> None:
    target = root / "reference" / STEM
    shutil.copytree(root / "_build" / fake.PROFILE / "runs" / STEM, target, ignore=shutil.ignore_patterns("*.ipynb", "figures"))
    numbers = fake.NUMBERS | {"test_ll": {"value": test_ll, "low": test_ll - 10, "high": test_ll + 10, "n": 10, "unit": "nats"}}
    (target / "results" / "numbers.json").write_text(json.dumps(numbers), encoding="utf-8")


def test_without_a_reference_the_board_says_so(root: Path) -> None:
    page = board(root)
    assert cells(page, "holds")[0] == ["", "no reference", "● reproduced"]
    assert cells(page, "fails")[0] == ["", "no reference", "○ not reproduced"]
    assert cells(page, "open")[0][-1] == "– not testable an expectation"
    assert "make reference" in fragments(root, fake.PROFILE)["deviations.md"]


def test_paper_reference_and_run_stand_side_by_side(root: Path) -> None:
    make_reference(root, -33000.0)
    page = board(root)
    assert cells(page, "fails")[0][1:] == ["● reproduced", "○ not reproduced"]
    label, paper, reference, run = cells(page, "fails")[1]
    assert label == "log-likelihood wanted: at least −34000"
    assert paper == ""
    assert reference.startswith("● −3.3")
    assert run.startswith("○ −3.469")
    assert cells(page, "holds")[1][1] == "0.015"
    text = fragments(root, fake.PROFILE)
    assert "| this run, the paper's | 1 | 0 | 0 | 1 |" in text["claims_totals.md"]
    assert "| reference, ours | 1 | 0 | 0 | 0 |" in text["claims_totals.md"]
    assert f"| {{doc}}`/notebooks/{STEM}` | `test_ll` |" in text["deviations.md"]
    assert "regret_ipc20" not in text["deviations.md"]
    assert f"| {STEM} | 1.4 | 0.50 | – |" in text["reference.md"]


def test_each_claim_leads_to_its_figure_or_else_its_chapter(root: Path) -> None:
    links = {body["id"]: [str(a["href"]) for a in body.select("a")] for body in board(root).select("tbody[id]")}
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
    assert "A line is refuted by: another value." in details.get_text()


def test_spread_is_half_the_interval_as_a_share(root: Path) -> None:
    shares = sorted((n["high"] - n["low"]) / 2 / abs(n["value"]) for n in fake.NUMBERS.values() if n["value"])
    line = next(line for line in fragments(root, fake.PROFILE)["spread.md"].splitlines() if STEM in line)
    assert line.split("|")[2:4] == [" 3 ", f" {100 * shares[1]:.0f} % "]


def test_the_overview_leads_to_every_claim_under_its_topic(root: Path) -> None:
    topics = [{"topic": "First"}, CLAIMS[0], {"topic": "Second"}, *CLAIMS[1:]]
    (root / "book" / "claims.yml").write_text(yaml.safe_dump(topics), encoding="utf-8")
    page = board(root)
    assert [str(a["href"]) for a in page.select(".ddlib-overview a")] == ["#claim-holds", "#claim-fails", "#claim-open"]
    source = fragments(root, fake.PROFILE)["scoreboard.md"]
    places = [source.index(text) for text in ("## First", 'id="claim-holds"', "## Second", 'id="claim-fails"', 'id="claim-open"')]
    assert places == sorted(places)
