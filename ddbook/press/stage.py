"""The source tree that jupyter-book sees: pages, finished runs and what is generated from them, laid out as in the repository."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import nbformat
import yaml

from ddbook.press import pages, rerun, resources
from ddbook.press.claims.fragments import fragments
from ddbook.press.git import repository as repository_of
from ddbook.press.parameters import read_schema
from ddbook.press.private import private_names
from ddbook.press.profiles import check_profile_name, plan, profile_names
from ddbook.press.provenance import Run
from ddlib.files import InputError, read_yaml


class BookError(InputError):
    """The book cannot be built; the message says why and how to mend it."""


@dataclass(frozen=True)
class Chapter:
    """A notebook of the book together with its finished run."""

    stem: str
    notebook: Path
    folder: Path

    @property
    def name(self) -> str:
        """The stem without its number: the first part of the names of its results."""
        return re.sub(r"^\d+_", "", self.stem)

    @cached_property
    def run(self) -> Run:
        """The record of the run."""
        return Run.model_validate_json((self.folder / "run.json").read_bytes())

    @cached_property
    def executed(self) -> nbformat.NotebookNode:
        """The executed notebook."""
        return nbformat.read(self.folder / "notebook.ipynb", as_version=4)

    @property
    def numbers(self) -> dict[str, dict[str, Any]]:
        """What the chapter recorded for the text, by full name."""
        path = self.folder / "results" / "numbers.json"
        recorded = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        return {f"{self.name}.{name}": number for name, number in recorded.items()}


def stage(profile: str, root: Path) -> Path:
    """Makes ``_build/<profile>/src`` afresh and returns it; a failure leaves the one that was there."""
    check_profile_name(profile)
    home = root / "_build" / profile
    chapters = finished_chapters(profile, root)
    config = read_yaml(root / "_config.yml")
    repository = repository_of(root) or config["repository"]["url"]
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="src-", dir=home) as scratch:
        tree = Path(scratch, "src")
        shutil.copytree(root / "book", tree / "book", ignore=_no_page, ignore_dangling_symlinks=True)
        for chapter in chapters:
            _stage_chapter(chapter, tree, repository)
        _write_generated(chapters, root, tree)
        for name, text in fragments(root, profile).items():
            (tree / "book" / "generated" / name).write_text(text, encoding="utf-8")
        _write_config(config, repository, tree)
        shutil.rmtree(home / "src", ignore_errors=True)
        tree.rename(home / "src")
    return home / "src"


def _no_page(folder: str, names: list[str]) -> set[str]:
    """What of the folder of pages is none: the contents, caches, and what editors and systems leave, hidden."""
    return {name for name in names if name.startswith(".") or name in ("__pycache__", "_toc.yml")}


def finished_chapters(profile: str, root: Path) -> list[Chapter]:
    """The chapters in the table of contents, each with its run; a BookError names the ones without."""
    if not (root / "book" / "_toc.yml").exists():
        raise BookError(f"{root} has no book/_toc.yml: give the command in the folder of the project")
    toc = read_toc(root / "book" / "_toc.yml")
    stems = [Path(entry).name for entry in toc_files(toc) if entry.startswith("notebooks/")]
    runs = root / "_build" / profile / "runs"
    missing = [stem for stem in stems if not (runs / stem / "run.json").exists()]
    if missing:
        commands = "; ".join(f"ddbook run notebooks/{stem}.ipynb --profile {profile}" for stem in missing)
        raise BookError(f"The book of profile {profile} waits for a finished run of {' and '.join(missing)}: first run {commands}")
    return [Chapter(stem, root / "notebooks" / f"{stem}.ipynb", runs / stem) for stem in stems]


def read_toc(path: Path) -> dict[str, Any]:
    """A table of contents."""
    return read_yaml(path)


def toc_files(node: Any) -> list[str]:
    """All pages of a table of contents, in order."""
    if isinstance(node, list):
        return [page for item in node for page in toc_files(item)]
    if not isinstance(node, dict):
        return []
    own = [node[key] for key in ("root", "file") if key in node]
    return own + [page for key in ("parts", "chapters", "sections") for page in toc_files(node.get(key))]


def committed_notebooks(source: Path, root: Path) -> dict[str, Path]:
    """The notebook of the repository for each chapter in a staged tree."""
    return {path.stem: root / "notebooks" / path.name for path in sorted((source / "notebooks").glob("*.ipynb"))}


def _stage_chapter(chapter: Chapter, tree: Path, repository: str) -> None:
    """The executed notebook with the record of its run at the end, and what the record links to; nothing private."""
    files = tree / "runs" / chapter.stem
    files.mkdir(parents=True)
    if (chapter.folder / "results").exists():  # a chapter need not record anything
        shutil.copytree(chapter.folder / "results", files / "results", ignore=private_names)
    shutil.copyfile(chapter.folder / "run.json", files / "run.json")
    shutil.copyfile(chapter.folder / "notebook.ipynb", files / f"{chapter.stem}.executed.ipynb")
    shutil.copyfile(chapter.notebook, files / f"{chapter.stem}.ipynb")
    downloads = sorted(path.relative_to(files).as_posix() for path in files.rglob("*") if path.is_file())
    page = nbformat.from_dict(chapter.executed)
    for cell in page.cells:
        if "injected-parameters" in cell.metadata.get("tags", []):  # papermill's own, after the folded cell of the defaults
            cell.metadata.tags.append("hide-input")
    again = rerun.instructions(chapter.run, read_schema(chapter.notebook), repository)
    page.cells.append(nbformat.v4.new_markdown_cell(pages.provenance(chapter.stem, chapter.run, again, downloads)))
    (tree / "notebooks").mkdir(exist_ok=True)
    nbformat.write(page, tree / "notebooks" / f"{chapter.stem}.ipynb")


def _write_generated(chapters: list[Chapter], root: Path, tree: Path) -> None:
    """The fragments that pages include, the merged numbers, the pages of the library, and the contents with them."""
    generated = tree / "book" / "generated"
    generated.mkdir()
    numbers = {name: number for chapter in chapters for name, number in chapter.numbers.items()}
    (generated / "numbers.json").write_text(json.dumps(numbers, indent=1), encoding="utf-8")
    plans = {name: plan(root / "notebooks", name) for name in profile_names(root / "notebooks")}
    schemas = {chapter.stem: read_schema(chapter.notebook) for chapter in chapters}
    (generated / "profiles.md").write_text(pages.profiles(schemas, plans), encoding="utf-8")
    (generated / "status.md").write_text(pages.status({chapter.stem: chapter.run for chapter in chapters}), encoding="utf-8")
    took = resources.page(((chapter.stem, chapter.run) for chapter in chapters), root / "reference")
    (generated / "resources.md").write_text(took, encoding="utf-8")
    (generated / "landing.md").write_text(_landing(chapters), encoding="utf-8")
    toc = read_toc(root / "book" / "_toc.yml")
    _add_library(toc, tree / "book" / "api")
    (tree / "_toc.yml").write_text(yaml.safe_dump(toc, sort_keys=False), encoding="utf-8")


def _landing(chapters: list[Chapter]) -> str:
    """The cross-task figure for the first page, where a chapter has drawn it."""
    for chapter in chapters:
        path = chapter.folder / "figures" / "cross_task_regret.svg"
        figure = pages.drawn_figure(chapter.executed, path.read_bytes()) if path.exists() else ""
        if figure:
            return pages.landing(chapter.stem, figure)
    return ""


def _add_library(toc: dict[str, Any], folder: Path) -> None:
    """One page for each part of the library, listed below the page ``book/api``; none for a book without that page."""
    above = [entry for group in toc["parts"] for entry in group["chapters"] if entry["file"] == "book/api"]
    if not above:
        return
    folder.mkdir()
    listed: list[dict[str, Any]] = []
    for part, inner in pages.library_parts().items():
        for name in (part, *inner):
            (folder / f"{pages.file_name(name)}.md").write_text(pages.library_page(name), encoding="utf-8")
        sections = [{"file": f"book/api/{pages.file_name(name)}"} for name in inner]
        listed.append({"file": f"book/api/{pages.file_name(part)}", **({"sections": sections} if sections else {})})
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
    (tree / "_config.yml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")


def pages_address(repository: str) -> str:
    """Where GitHub Pages publishes the site of a repository."""
    owner, name = repository.rstrip("/").split("/")[-2:]
    site = f"{owner.lower()}.github.io"
    return f"https://{site}/" if name.lower() == site else f"https://{site}/{name}/"
