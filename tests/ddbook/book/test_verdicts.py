"""The role for verdicts: what a sentence shows, when its page is read again, and that an unknown claim stops the build."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import yaml
from bs4 import BeautifulSoup

from ddbook.press.book import BookError
from tests.ddbook.book import fake

sys.path.insert(0, str(fake.PROJECT / "book" / "_ext"))
import ddlib_verdicts

VERDICT = {"verdict": "not reproduced", "sign": "○", "here": "", "title": "A statement."}


def test_a_sentence_shows_sign_and_word_and_leads_to_the_claim() -> None:
    (link,) = ddlib_verdicts.render("better", VERDICT, "../book/claims.html")
    assert link.astext() == "○\N{NO-BREAK SPACE}not reproduced"
    assert (link["refuri"], link["reftitle"]) == ("../book/claims.html#claim-better", "A statement.")
    assert "not-reproduced" in link["classes"]


def test_another_verdict_of_this_run_stands_behind_it() -> None:
    *_, mark = ddlib_verdicts.render("better", VERDICT | {"here": "● reproduced"}, "claims.html")
    assert (mark.astext(), mark["classes"]) == ("(this run: ●\N{NO-BREAK SPACE}reproduced)", ["ddlib-mark"])


@pytest.mark.parametrize(("name", "meant"), [("betterr", "; did you mean 'better'?"), ("xyz", "")])
def test_an_unknown_claim_is_named(name: str, meant: str) -> None:
    assert ddlib_verdicts.unknown(name, {"better": VERDICT}) == f"no claim of the ledger has the id '{name}'{meant}"


CHAPTER = "01_one_dataset_many_tasks"
CLAIM = {
    "id": "better",
    "statement": "The regret is small.",
    "source": "Figure 2",
    "whose": "ours",
    "chapter": CHAPTER,
    "statistics": [{"label": "regret", "number": "regret_ipc20", "at_most": 0.02}],
    "threshold_from": "the statement",
    "refuted_by": "another value",
}


def shown(root: Path, page: str) -> list[tuple[str, str]]:
    """The verdicts on a page, with where they lead."""
    soup = BeautifulSoup((root / "_build" / fake.PROFILE / "html" / page).read_text(encoding="utf-8"), "html.parser")
    return [(link.get_text().replace("\N{NO-BREAK SPACE}", " "), str(link["href"])) for link in soup.select("a.ddlib-verdict")]


def test_pages_show_verdicts_and_are_made_again_when_these_change(tmp_path: Path) -> None:
    root = fake.without_library(fake.make_root(tmp_path, text="It is small: {verdict}`better`."))
    claims, page = root / "book" / "claims.yml", root / "book" / "status.md"
    claims.write_text(yaml.safe_dump([CLAIM]), encoding="utf-8")
    for other in (root / "book").glob("*.md"):  # the pages of the real book name claims of its own ledger
        other.write_text(other.read_text(encoding="utf-8").replace("{verdict}`", "`"), encoding="utf-8")
    page.write_text(page.read_text(encoding="utf-8") + "\nHere too: {verdict}`better`.\n", encoding="utf-8")
    fake.build(fake.PROFILE, root)
    assert shown(root, f"notebooks/{CHAPTER}.html") == [("● reproduced", "../book/claims.html#claim-better")]
    assert shown(root, "book/status.html") == [("● reproduced", "claims.html#claim-better")]
    html = root / "_build" / fake.PROFILE / "sphinx" / "html"
    before = (html / "notebooks" / "03_digits.html").stat().st_mtime_ns

    claims.write_text(yaml.safe_dump([CLAIM | {"statistics": [CLAIM["statistics"][0] | {"at_most": 0.001}]}]), encoding="utf-8")
    fake.build(fake.PROFILE, root)
    assert shown(root, f"notebooks/{CHAPTER}.html") == [("○ not reproduced", "../book/claims.html#claim-better")]
    assert (html / "notebooks" / "03_digits.html").stat().st_mtime_ns == before  # shows none
    verdicts = json.loads((root / "_build" / fake.PROFILE / "src" / "book" / "generated" / "verdicts.json").read_text())
    assert verdicts["better"]["verdict"] == "not reproduced"

    claims.write_text(yaml.safe_dump([CLAIM | {"id": "best"}]), encoding="utf-8")
    with pytest.raises(BookError, match="no claim of the ledger has the id 'better'"):
        fake.build(fake.PROFILE, root)
