"""Rows of real patients stay with whoever ran the chapter: nothing that is published holds or names them."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
import torch
import yaml

from ddbook.press import Recorder, pages
from ddbook.press.archive import archive
from ddbook.press.private import PRIVATE, is_private
from ddbook.press.reference import keeps
from ddbook.press.stage import stage
from ddlib.files import InputError
from ddlib.problem import Distilled
from tests import ROOT
from tests.ddbook.book import fake

STEM = "07_real_hospitals"
SECRET = "0.98765"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of which one run has recorded a set that anyone may see and one of real patients, in several guises."""
    root = fake.make_root(tmp_path)
    run = root / "_build" / fake.PROFILE / "runs" / STEM
    (run / "results" / "numbers.json").unlink()
    monkeypatch.setenv("DDLIB_RUN_DIR", str(run))
    record = Recorder(STEM)
    record.distilled("open", "exact", Distilled(torch.ones(1, 2, 1), torch.zeros(1, 2), torch.ones(1, 2)))
    rows = torch.full((1, 2, 1), float(SECRET), dtype=torch.float64)
    record.distilled("trial", "exact", Distilled(rows, torch.zeros(1, 2), torch.ones(1, 2)), real_patients=True)
    (written,) = (run / "results").glob(f"{PRIVATE}*")
    for name in (f".{written.name}.x1", f"{written.name}.bak", f"{PRIVATE}more/rows.csv", f"more/{written.name}"):
        (run / "results" / name).parent.mkdir(exist_ok=True)
        (run / "results" / name).write_bytes(written.read_bytes())
    return root


def secrets(folder: Path) -> list[Path]:
    """The files that hold a private row, or are named as one that does."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in files if is_private(path.name) or SECRET.encode() in path.read_bytes()]


def test_a_private_set_reaches_neither_the_staged_tree_nor_a_link(root: Path) -> None:
    assert len(secrets(root / "_build")) == 5
    tree = stage(fake.PROFILE, root)
    assert secrets(tree) == []
    page = nbformat.read(tree / "notebooks" / f"{STEM}.ipynb", as_version=4).cells[-1].source
    assert "distilled_open_exact_2.csv" in page
    assert PRIVATE not in page


def test_a_page_links_no_private_file_whoever_lists_it() -> None:
    listed = ["results/a.csv", f"results/{PRIVATE}a_b_3.csv", f"results/{PRIVATE}more/rows.csv"]
    page = pages.provenance(STEM, fake.record(STEM), "", listed)
    assert "results/a.csv" in page
    assert PRIVATE not in page


@pytest.mark.parametrize("place", ["_downloads/0f", "download"])
def test_a_book_that_holds_a_private_set_is_not_packed(tmp_path: Path, place: str) -> None:
    html = tmp_path / "_build" / "small" / "html"
    (html / place).mkdir(parents=True)
    (html / "index.html").touch()
    (html / place / f"{PRIVATE}a_b_3.csv").write_text(SECRET)
    with pytest.raises(InputError, match="real patients"):
        archive("small", tmp_path)
    assert not list((tmp_path / "_build").rglob("*.zip"))


def test_the_reference_keeps_none_of_its_guises(root: Path) -> None:
    files = [path for path in secrets(root / "_build") if is_private(path.name)]
    assert files
    assert not any(map(keeps, files))


def test_no_workflow_uploads_the_results_of_runs_with_private_sets() -> None:
    uploads = 0
    for path in sorted((ROOT / ".github" / "workflows").glob("*.yml")):
        for job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values():
            for step in job.get("steps", []):
                words = str(step.get("with", {}).get("path", "")).splitlines()
                runs = [word for word in words if word.endswith("/runs") and not word.startswith("!")]
                if "upload" in step.get("uses", ""):
                    uploads += len(runs)
                    assert all(f"!{folder}/**/*{PRIVATE}*" in words for folder in runs), path.name
    assert uploads
