"""A build that goes on from an earlier one gives the book that a new one would give, and several processes may read its pages.

Sphinx reads a page again if its source, or a file that it includes, has changed. What a page shows of the others (titles, headings,
labels, equations, citations) it looks up when it is written: if any of that has changed, all pages are written again, and a link
that leads nowhere now is a warning again.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.util.index_entries import split_index_msg
from sphinx.util.typing import ExtensionMetadata

OWN = {"index"}
"""Domains that no page looks anything up in: the index is made anew each time."""
PASSING = {"bibfiles", "line"}
"""Entries that change without anything that another page shows: times of files, numbers of lines."""

AS_READ = {"citation_refs"}
"""Lists in the order in which pages were read, in which nothing looks them up."""


def write_what_depends(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Has all pages written if what they show of each other is not what it was at the last build, and those with other pictures."""
    now, pictures = hashlib.sha256(repr(shared(env)).encode()).hexdigest(), pictures_of(env)
    before, drawn = getattr(env, "ddlib_shared", None), getattr(env, "ddlib_pictures", {})
    env.ddlib_shared, env.ddlib_pictures = now, pictures  # type: ignore[attr-defined]
    return [page for page in sorted(env.found_docs) if before != now or pictures.get(page) != drawn.get(page)]


def pictures_of(env: BuildEnvironment) -> dict[str, list[tuple[str, str]]]:
    """The pictures of each page, with the names that they have in the book: a new one elsewhere may take such a name."""
    found: dict[str, list[tuple[str, str]]] = {}
    for path, (pages, name) in env.images.items():
        for page in pages:
            found.setdefault(page, []).append((path, name))
    return {page: sorted(named) for page, named in found.items()}


def shared(env: BuildEnvironment) -> Any:
    """What pages can show of each other, in a fixed order."""
    slugs = {page: facts.get("myst_slugs") for page, facts in env.metadata.items()}
    domains = {name: domain.data for name, domain in env.domains.items() if name not in OWN}
    return ordered([env.titles, env.longtitles, env.tocs, env.toctree_includes, slugs, domains])


def ordered(value: Any) -> Any:
    """A value whose representation depends on its content alone, not on the order in which pages were read."""
    if isinstance(value, nodes.Node):
        return value.pformat()
    if hasattr(value, "_asdict"):
        return ordered(value._asdict())
    if isinstance(value, Mapping):
        kept = {key: frozenset(map(repr, map(ordered, item))) if key in AS_READ else item for key, item in value.items()}
        return sorted((repr(key), ordered(item)) for key, item in kept.items() if key not in PASSING)
    if isinstance(value, set | frozenset):
        return sorted(map(repr, map(ordered, value)))
    if isinstance(value, list | tuple):
        return [ordered(item) for item in value]
    if type(value).__repr__ is object.__repr__:  # which says where an object is in memory
        return [type(value).__name__, ordered(getattr(value, "__dict__", {}))]
    return repr(value)


def index_all(app: Sphinx) -> list[Any]:
    """Gives the search the index entries (terms, names) of all pages: Sphinx forgets those of pages that it does not write."""
    indexer = getattr(app.builder, "indexer", None)
    if indexer is not None:
        entries = app.env.domaindata["index"]["entries"]
        indexer._index_entries = {page: index_words(entries.get(page, [])) for page in sorted(indexer._titles)}
    return []


def index_words(entries: Iterable[tuple[Any, ...]]) -> list[tuple[str, str, str]]:
    """The words of a page's index entries, each with its anchor and whether it is the main one, as Sphinx's search keeps them."""
    found: set[tuple[str, str, str]] = set()
    for kind, value, target, main, _ in entries:
        found |= {(word, target or "", main) for word in split_index_msg(kind, value)}
    return sorted(found)


def remove_what_is_gone(app: Sphinx, exception: Exception | None) -> None:
    """Removes pictures and downloads that no page has any more; Sphinx leaves those of earlier builds."""
    if exception is not None or app.builder.format != "html":
        return
    for folder, files in (("_images", app.env.images), ("_downloads", app.env.dlfiles)):
        kept = {Path(app.outdir, folder, name) for _, name in files.values()}
        for path in sorted(Path(app.outdir, folder).rglob("*"), reverse=True):
            if path.is_file() and path not in kept:
                path.unlink()
            elif path.is_dir() and not any(path.iterdir()):
                path.rmdir()


def count_no_figures(app: Sphinx, config: Config) -> None:
    """Figures carry numbers of their own; jupyter-book would have Sphinx read all pages at each build to count them."""
    config.numfig = False


def begin(app: Sphinx) -> None:
    """Makes static files anew, and allows several processes.

    Pages name such files with a checksum if they are there already when the page is written, and some extensions copy theirs last.
    Extensions that do not say whether pages may be read in parallel do nothing, or work when all pages are read.
    """
    shutil.rmtree(Path(app.outdir, "_static"), ignore_errors=True)
    for name in {"sphinx_jupyterbook_latex", "sphinx_multitoc_numbering"} & set(app.extensions):
        app.extensions[name].parallel_read_safe = True


def setup(app: Sphinx) -> ExtensionMetadata:
    """Connects before all others that prepare the output, and after those that complete the environment."""
    app.connect("config-inited", count_no_figures, priority=900)
    app.connect("builder-inited", begin, priority=1)
    app.connect("env-updated", write_what_depends, priority=900)
    app.connect("html-collect-pages", index_all)
    app.connect("build-finished", remove_what_is_gone)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
