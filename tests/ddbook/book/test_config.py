"""The configuration of the book: jupyter-book silently accepts keys that it does not know, so they are checked here."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jupyter_book.config import PATH_YAML_DEFAULT, get_final_config, validate_yaml
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

from ddbook.press.contents import read_toc, toc_files
from ddbook.press.parameters import read_schema
from tests.ddbook.book.fake import PROJECT

CONFIG: dict[str, Any] = yaml.safe_load((PROJECT / "_config.yml").read_text(encoding="utf-8"))
OPTIONAL = {"bibtex_bibfiles", "bibtex_reference_style", "project"}  # known to jupyter-book, but not in its defaults


def unknown(config: dict[str, Any], known: dict[str, Any], place: str = "") -> list[str]:
    """The keys of a configuration that jupyter-book's list of all keys does not have; below ``sphinx`` it has none to compare."""
    found = []
    for key, value in config.items():
        if key not in known and not (place == "" and key in OPTIONAL):
            found.append(f"{place}{key}")
        elif isinstance(value, dict) and isinstance(known.get(key), dict):
            found += unknown(value, known[key], f"{place}{key}.")
    return found


def test_every_key_is_known_to_jupyter_book() -> None:
    known = yaml.safe_load(PATH_YAML_DEFAULT.read_text(encoding="utf-8"))
    assert unknown(CONFIG, known) == []
    assert unknown({"html": {"favicn": ""}, "titel": ""}, known) == ["html.favicn", "titel"]
    validate_yaml(CONFIG, raise_on_errors=True)


def test_every_option_is_known_to_sphinx_or_an_extension(tmp_path: Path) -> None:
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: index\n", encoding="utf-8")
    (tmp_path / "index.md").write_text("# Page\n", encoding="utf-8")
    of_builder = {"latex_individualpages": False, "external_toc_path": str(tmp_path / "_toc.yml")}
    config, _ = get_final_config(user_yaml=PROJECT / "_config.yml", cli_config=of_builder)
    config["html_static_path"], config["bibtex_bibfiles"] = [], []
    with docutils_namespace():
        app = Sphinx(tmp_path, None, tmp_path / "out", tmp_path / "doctrees", "html", config, status=None, warning=None)
    assert set(CONFIG["sphinx"]["config"]) - set(app.config.values) == {"extensions"}


def test_nothing_is_executed_and_only_listed_pages_are_built() -> None:
    assert CONFIG["execute"]["execute_notebooks"] == "off"
    assert CONFIG["only_build_toc_files"] is True


def test_the_first_page_links_every_chapter() -> None:
    landing = (PROJECT / "book" / "index.md").read_text(encoding="utf-8")
    chapters = [page for page in toc_files(read_toc(PROJECT / "book" / "_toc.yml")) if page.startswith("notebooks/")]
    assert [page for page in chapters if f"(../{page}.ipynb)" not in landing] == []


def test_the_guide_uses_parameters_that_exist() -> None:
    guide = (PROJECT / "book" / "reexecute.md").read_text(encoding="utf-8")
    used = re.findall(r"^(?:ddbook run|papermill) (\S+\.ipynb).* -p (\w+)", guide, flags=re.MULTILINE)
    assert len(used) == 2
    for notebook, name in used:
        if not (PROJECT / notebook).exists():
            pytest.skip(f"{notebook} is not written yet")
        assert name in read_schema(PROJECT / notebook)
