"""The source tree that jupyter-book sees: pages, finished runs and what is generated from them, laid out as in the repository."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import yaml

from ddbook.press import front, library, pages, rerun, resources
from ddbook.press.chapter import Chapter, finished_chapters
from ddbook.press.contents import number, read_toc
from ddbook.press.digests import digest, file_digest, sealed, unsealed
from ddbook.press.git import repository as repository_of
from ddbook.press.machine import versions
from ddbook.press.marks import marked, two_runs
from ddbook.press.mirror import mirror
from ddbook.press.parameters import read_schema
from ddbook.press.private import private_names
from ddbook.press.profiles import check_profile_name, plan, profile_names
from ddbook.press.repository import pages_address
from ddbook.press.snapshot import PACKAGES_ROOT, checksum
from ddlib.files import InputError, read_yaml, write_json

MADE = ("generated", "api")
"""Folders among the pages that are made anew for each book."""


def stage(profile: str, root: Path, marks: Mapping[str, str] | None = None, stale: Mapping[str, str] | None = None) -> Path:
    """Make ``_build/<profile>/src`` what the book of a profile is built from; a file whose content stays is not touched.

    Args:
        profile: whose runs are shown.
        root: the folder of the project.
        marks: for each chapter whose reference is older than its code what to say of it, wherever the reference is shown.
        stale: for each chapter of a draft that is not fresh what has changed since its run.

    Returns:
        The folder; if it cannot be made, the one that was there is as it was.
    """
    check_profile_name(profile)
    for name in MADE:
        if (root / "book" / name).exists():
            raise InputError(f"{root / 'book' / name} is where the book puts what it makes: give that page or folder another name")
    marks = marks or {}
    home = root / "_build" / profile
    chapters = [replace(chapter, stale=(stale or {}).get(chapter.stem, "")) for chapter in finished_chapters(profile, root)]
    config = read_yaml(root / "_config.yml")
    repository = repository_of(root) or config["repository"]["url"]
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="src-", dir=home) as scratch:
        tree = Path(scratch, "src")
        shutil.copytree(root / "book", tree / "book", ignore=_no_page, ignore_dangling_symlinks=True)
        for chapter in chapters:
            if (root / "reference" / chapter.stem / "run.json").exists():
                two_runs(chapter.page, profile)
            _stage_chapter(chapter, tree, repository, marked(chapter.page, marks.get(chapter.stem, "")))
        _write_generated(profile, chapters, root, tree, marks)
        for name, text in _fragments(root, profile, marks, chapters).items():
            (tree / "book" / "generated" / name).write_text(text, encoding="utf-8")
        _write_config(config, repository, tree)
        mirror(tree, home / "src")
    return home / "src"


def _fragments(root: Path, profile: str, marks: Mapping[str, str], chapters: list[Chapter]) -> dict[str, str]:
    """What pages include of claims and repetition, and the verdicts in sentences; from the last build if nothing has changed."""
    records = [*(chapter.folder / "run.json" for chapter in chapters), *sorted((root / "reference").rglob("*.json"))]
    sums = {path.relative_to(root).as_posix(): file_digest(path) for path in [*records, root / "book" / "claims.yml"]}
    key = digest([sums, dict(marks), checksum(PACKAGES_ROOT), versions()])
    last = root / "_build" / profile / "fragments.json"
    if last.exists():
        known = unsealed(json.loads(last.read_bytes()))
        if known and known["key"] == key:
            return known["fragments"]
    from ddbook.press.claims.fragments import fragments  # here, because it loads what computes

    made = fragments(root, profile, marks)
    write_json(last, sealed({"key": key, "fragments": made}))
    return made


def _no_page(folder: str, names: list[str]) -> set[str]:
    """What of the folder of pages is none: the contents, caches, and what editors and systems leave, hidden."""
    return {name for name in names if name.startswith(".") or name in ("__pycache__", "_toc.yml")}


def _stage_chapter(chapter: Chapter, tree: Path, repository: str, remarks: list[str]) -> None:
    """The page of a chapter with the record of its run at the end, and what the record links to; nothing private."""
    files = tree / "runs" / chapter.stem
    files.mkdir(parents=True)
    if (chapter.folder / "results").exists():  # a chapter need not record anything
        shutil.copytree(chapter.folder / "results", files / "results", ignore=private_names)
    shutil.copyfile(chapter.folder / "run.json", files / "run.json")
    shutil.copyfile(chapter.folder / "notebook.ipynb", files / f"{chapter.stem}.executed.ipynb")
    shutil.copyfile(chapter.notebook, files / f"{chapter.stem}.ipynb")
    downloads = sorted(path.relative_to(files).as_posix() for path in files.rglob("*") if path.is_file())
    again = rerun.instructions(chapter.run, read_schema(chapter.notebook), repository)
    text = pages.provenance(chapter.stem, chapter.run, again, downloads, remarks)
    chapter.page.cells.append(nbformat.from_dict({"cell_type": "markdown", "id": "record", "metadata": {}, "source": text}))
    (tree / "notebooks").mkdir(exist_ok=True)
    nbformat.write(chapter.page, tree / "notebooks" / f"{chapter.stem}.ipynb")


def _write_generated(profile: str, chapters: list[Chapter], root: Path, tree: Path, marks: Mapping[str, str]) -> None:
    """The fragments that pages include, the merged numbers, the pages of the library, and the contents with them."""
    generated = tree / "book" / "generated"
    generated.mkdir()
    numbers = {name: number for chapter in chapters for name, number in chapter.numbers.items()}
    (generated / "numbers.json").write_text(json.dumps(numbers, indent=1), encoding="utf-8")
    plans = {name: plan(root / "notebooks", name) for name in profile_names(root / "notebooks")}
    schemas = {chapter.stem: read_schema(chapter.notebook) for chapter in chapters}
    (generated / "profiles.md").write_text(pages.profiles(schemas, plans), encoding="utf-8")
    runs = {chapter.stem: chapter.run for chapter in chapters}
    given = pages.by_hand(runs, plans.get(profile, {}))
    (generated / "status.md").write_text(pages.status(runs, given), encoding="utf-8")
    took = resources.page(runs.items(), root / "reference")
    (generated / "resources.md").write_text(took, encoding="utf-8")
    (generated / "landing.md").write_text(given + front.page(root / "reference", marks), encoding="utf-8")
    toc = read_toc(root / "book" / "_toc.yml")
    number(toc, {f"notebooks/{chapter.stem}": chapter.heading for chapter in chapters})
    _add_library(toc, tree / "book" / "api", root / "_build" / profile / "src" / "book" / "api")
    (tree / "_toc.yml").write_text(yaml.safe_dump(toc, sort_keys=False), encoding="utf-8")


def _add_library(toc: dict[str, Any], folder: Path, earlier: Path) -> None:
    """One page for each part of the library, listed below the page ``book/api``; none for a book without that page."""
    above = [entry for group in toc["parts"] for entry in group["chapters"] if entry["file"] == "book/api"]
    if not above:
        return
    folder.mkdir()
    listed: list[dict[str, Any]] = []
    for part, inner in library.library_parts().items():
        for name in (part, *inner):
            page = f"{library.file_name(name)}.md"
            (folder / page).write_text(library.library_page(name, earlier / page), encoding="utf-8")
        sections = [{"file": f"book/api/{library.file_name(name)}"} for name in inner]
        listed.append({"file": f"book/api/{library.file_name(part)}", **({"sections": sections} if sections else {})})
    above[0]["sections"] = listed


def _write_config(config: dict[str, Any], repository: str, tree: Path) -> None:
    """The configuration and the pages, with this repository's addresses in place of the default's."""
    default = config["repository"]["url"]
    for page in (tree / "book").glob("*.md"):
        text = page.read_text(encoding="utf-8")
        for old, new in ((default, repository), (pages_address(default), pages_address(repository))):
            text = text.replace(old, new)
        page.write_text(text, encoding="utf-8")
    config["repository"]["url"] = repository
    config["exclude_patterns"] = [
        "book/generated/**",
        "runs/**",
    ]  # found without this too, but not below a folder like a[b]
    (tree / "_config.yml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
