"""Staging: what jupyter-book gets to see, and when it gets to see nothing."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import nbformat
import pytest
import yaml

from ddbook.press.chapter import BookError
from ddbook.press.contents import toc_files
from ddbook.press.git import github_address
from ddbook.press.stage import stage
from ddlib.files import InputError
from tests.ddbook.book import fake


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return fake.make_root(tmp_path)


def test_a_chapter_without_a_finished_run_is_named(root: Path) -> None:
    (root / "_build" / fake.PROFILE / "runs" / "04_merge_hospitals" / "run.json").unlink()
    with pytest.raises(
        BookError, match=r"run of 04_merge_hospitals: first run ddbook run notebooks/04_merge_hospitals.ipynb --profile tiny"
    ):
        stage(fake.PROFILE, root)
    assert not (root / "_build" / fake.PROFILE / "src").exists()


def test_a_folder_without_a_book_is_named(tmp_path: Path) -> None:
    with pytest.raises(BookError, match=r"has no book/_toc.yml: give the command in the folder of the project"):
        stage(fake.PROFILE, tmp_path)


def test_the_tree_is_laid_out_as_the_repository(root: Path) -> None:
    tree = stage(fake.PROFILE, root)
    assert tree == root / "_build" / fake.PROFILE / "src"
    wanted = ["_config.yml", "_toc.yml", "book/index.md", "notebooks/01_one_dataset_many_tasks.ipynb"]
    assert [name for name in wanted if not (tree / name).exists()] == []
    listed = toc_files(yaml.safe_load((tree / "_toc.yml").read_text(encoding="utf-8")))
    assert [page for page in listed if not list(tree.glob(f"{page}.*"))] == []
    assert "book/api/problem" in listed
    assert listed.index("book/api/dbn_likelihood") > listed.index("book/api/dbn")
    assert "ddlib.dbn.likelihood.observed" in (tree / "book/api/dbn_likelihood.md").read_text(encoding="utf-8")
    assert "automodule:: ddlib.dbn.likelihood" not in (tree / "book/api/dbn.md").read_text(encoding="utf-8")
    assert not [page for page in listed if "ddbook" in page], "chapters and press are no library"


def test_numbers_of_all_chapters_are_merged_by_full_name(root: Path) -> None:
    numbers = json.loads((stage(fake.PROFILE, root) / "book" / "generated" / "numbers.json").read_text(encoding="utf-8"))
    names = [stem.partition("_")[2] for stem in fake.CHAPTERS]
    assert set(numbers) == {f"{name}.{key}" for name in names for key in fake.NUMBERS}


def test_the_parameters_of_a_profile_are_folded_as_the_defaults_are(root: Path) -> None:
    stem = "01_one_dataset_many_tasks"
    executed = root / "_build" / fake.PROFILE / "runs" / stem / "notebook.ipynb"
    notebook = nbformat.read(executed, as_version=4)
    notebook.cells.insert(2, nbformat.v4.new_code_cell("seed = 7", metadata={"tags": ["injected-parameters"]}))
    nbformat.write(notebook, executed)
    page = nbformat.read(stage(fake.PROFILE, root) / "notebooks" / f"{stem}.ipynb", as_version=4)
    assert "hide-input" in page.cells[2].metadata.tags


def test_the_record_is_added_to_the_page_and_to_nothing_else(root: Path) -> None:
    tree = stage(fake.PROFILE, root)
    stem = "01_one_dataset_many_tasks"
    last = nbformat.read(tree / "notebooks" / f"{stem}.ipynb", as_version=4).cells[-1].source
    facts = [
        "How this page was computed",
        "0123456789ab",
        "uncommitted",
        "An invented processor",
        "1 min 23 s",
        "`penalties`",
        "`a\\|b`",
    ]
    assert [fact for fact in facts if fact not in last] == []
    assert f"ddbook run notebooks/{stem}.ipynb --profile {fake.PROFILE}" in last
    committed = (tree / "runs" / stem / f"{stem}.ipynb").read_bytes()
    assert committed == (root / "notebooks" / f"{stem}.ipynb").read_bytes()
    executed = root / "_build" / fake.PROFILE / "runs" / stem / "notebook.ipynb"
    assert (tree / "runs" / stem / f"{stem}.executed.ipynb").read_bytes() == executed.read_bytes()


def test_nothing_of_an_earlier_tree_stays(root: Path) -> None:
    (stage(fake.PROFILE, root) / "book" / "left.md").write_text("# Left over\n", encoding="utf-8")
    assert not (stage(fake.PROFILE, root) / "book" / "left.md").exists()
    assert sorted(path.name for path in (root / "_build" / fake.PROFILE).iterdir()) == ["fragments.json", "runs", "src"]


def test_profiles_are_shown_side_by_side(root: Path) -> None:
    shown = (stage(fake.PROFILE, root) / "book" / "generated" / "profiles.md").read_text(encoding="utf-8")
    assert "| Parameter | Meaning | What it may be | smoke | laptop | paper |" in shown
    assert "| `n_seeds` | repetitions | a whole number | **`1`** | `3` | **`10`** |" in shown


@pytest.mark.parametrize("name", ["generated", "api"])
def test_a_page_in_the_place_of_what_is_made_is_refused(root: Path, name: str) -> None:
    (root / "book" / name).mkdir()
    with pytest.raises(InputError, match="another name"):
        stage(fake.PROFILE, root)


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("https://github.com/owner/name.git\n", "https://github.com/owner/name"),
        ("git@github.com:owner/na.me.git", "https://github.com/owner/na.me"),
        ("ssh://git@github.com/owner/name", "https://github.com/owner/name"),
        ("https://token@github.com/owner/name", "https://github.com/owner/name"),
        ("/srv/git/name.git", None),
        ("https://example.org/github.com/owner/name", None),
        ("", None),
    ],
)
def test_github_addresses(remote: str, address: str | None) -> None:
    assert github_address(remote) == address


def test_links_lead_to_the_clone_s_own_repository(root: Path) -> None:
    assert (
        yaml.safe_load((stage(fake.PROFILE, root) / "_config.yml").read_text())["repository"]["url"]
        == "https://github.com/ddlib/ddlib"
    )
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    subprocess.run(["git", "remote", "add", "origin", "git@github.com:someone/fork.git"], cwd=root, check=True)
    assert (
        yaml.safe_load((stage(fake.PROFILE, root) / "_config.yml").read_text())["repository"]["url"]
        == "https://github.com/someone/fork"
    )
    landing = root / "_build" / fake.PROFILE / "src" / "book" / "index.md"
    assert "git clone https://github.com/someone/fork ddlib" in landing.read_text(encoding="utf-8")
