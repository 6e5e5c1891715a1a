"""The three pictures of the first page are drawn from the reference, and say what it says."""

from __future__ import annotations

import shutil
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest
import yaml
from bs4 import BeautifulSoup

from ddbook.press import front
from ddbook.press.stage import stage
from tests.ddbook.book import fake

REFERENCE = fake.PROJECT / "reference"


def test_each_picture_is_drawn_with_its_finding_its_chapter_and_a_claim_of_the_ledger() -> None:
    text = front.page(REFERENCE, {"04_merge_hospitals": "older than the code: ddlib/a.py changed since"})
    figures = BeautifulSoup(text, "html.parser").select("figure")
    claims = {
        claim["id"] for claim in yaml.safe_load((fake.PROJECT / "book" / "claims.yml").read_text(encoding="utf-8")) if "id" in claim
    }
    assert [str(figure["id"]) for figure in figures] == ["result-tasks", "result-hospitals", "result-knowledge"]
    for figure, picture in zip(figures, front.PICTURES.values(), strict=True):
        chapter, claim = (str(link["href"]) for link in figure.select("a"))
        assert chapter == f"../notebooks/{picture.stem}.html"
        assert claim.removeprefix("claims.html#claim-") in claims
        assert figure.img is not None
        assert figure.img["alt"] == picture.finding
    assert [len(figure.select(".ddlib-mark")) for figure in figures] == [0, 1, 0]


@pytest.mark.parametrize("name", front.PICTURES)
def test_a_picture_is_as_wide_as_a_third_of_the_text_and_has_inks_for_dark_pages(name: str) -> None:
    drawn = front.drawn(front.PICTURES[name], REFERENCE)
    assert ElementTree.fromstring(drawn).get("width") == f"{72 * front.WIDTH:g}pt"
    assert b"prefers-color-scheme: dark" in drawn


def test_the_findings_are_what_the_reference_says() -> None:
    def table(name: str) -> pd.DataFrame:
        picture = front.PICTURES[name]
        return pd.read_csv(REFERENCE / picture.stem / "results" / f"{picture.table}.csv", low_memory=False)

    bounds = table("tasks").set_index("distilled for")
    assert all(bounds.loc[row, other] > 0 for row in bounds.index for other in bounds.columns if other != row)
    scores = table("hospitals")
    regret = scores.groupby(["method", "budget"])["regret"].median()
    limit = regret["em"].iloc[0]
    assert regret["first_order"].loc[10] < 1.1 * limit
    assert (regret["clean_subset"] > 10 * limit).all()
    ladder = table("knowledge")
    distilled = ladder[(ladder["method"] == "kernel_matching") & (ladder["learner"] == "network")]
    errors = distilled.groupby(["problem", "level"])["error"].median().unstack()
    assert (errors[3] < errors[[0, 1, 2]].min(axis=1) / 2).all()


def test_without_a_reference_the_page_has_no_pictures(tmp_path: Path) -> None:
    fragment = Path("book", "generated", "landing.md")
    root = fake.make_root(tmp_path)
    assert (stage(fake.PROFILE, root) / fragment).read_text(encoding="utf-8") == ""
    folder = root / "reference" / "01_one_dataset_many_tasks" / "results"
    folder.mkdir(parents=True)
    shutil.copy(REFERENCE / "01_one_dataset_many_tasks" / "results" / "cross_task_lower_bound.csv", folder)
    assert "result-tasks" in (stage(fake.PROFILE, root) / fragment).read_text(encoding="utf-8")
