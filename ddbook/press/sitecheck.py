"""Checks of a built book that Sphinx does not make: all pages are there, local links lead somewhere, nothing is left raw."""

from __future__ import annotations

import hashlib
import os
import posixpath
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup

from ddbook.press.contents import read_toc, toc_files

Known = dict[str, dict[str, list[str]]]
EXTRA_PAGES = {"index.html", "genindex.html", "search.html", "py-modindex.html"}
RAW = {
    "Traceback (most recent call last)": "shows the traceback of an error",
    "{res}`": "shows a number role that was not replaced",
    "{cite": "shows a citation that was not replaced",
}


def problems(html: Path, toc: Path, known: Known | None = None) -> list[str]:
    """One sentence for each thing that is wrong with a built book; none for a good one.

    Args:
        html: the folder of the book.
        toc: its table of contents.
        known: what was found in pages before, by their checksums; afterwards, what is in these.
    """
    files = {path.relative_to(html).as_posix() for path in html.rglob("*") if path.is_file()}
    pages = {name for name in files if name.endswith(".html") and "_static" not in name.split("/")}
    wanted = {f"{page}.html" for page in toc_files(read_toc(toc))}
    complaints = [f"{page} is in the table of contents, but was not built" for page in sorted(wanted - pages)]
    complaints += [f"{page} was built, but is not in the table of contents" for page in sorted(pages - wanted - EXTRA_PAGES)]
    if "index.html" not in pages:
        complaints.append("index.html is missing")
    read = _read(html, sorted(pages), {} if known is None else known)
    anchors = {page: set(facts["anchors"]) for page, facts in read.items()}
    for page, facts in read.items():
        complaints += [f"{page} {complaint}" for complaint in facts["raw"]]
        complaints += filter(None, (_follow(files, page, target, anchors) for target in facts["targets"]))
    return complaints


def _read(html: Path, pages: list[str], known: Known) -> Known:
    """What is in each page; most of the work of a check, and the same for a page that has not changed."""
    contents = {page: (html / page).read_bytes() for page in pages}
    sums = {page: hashlib.sha256(content).hexdigest() for page, content in contents.items()}
    unknown = [page for page in pages if sums[page] not in known]
    if unknown:
        with ProcessPoolExecutor(min(os.cpu_count() or 1, len(unknown))) as processes:
            known |= zip([sums[page] for page in unknown], processes.map(_facts, [contents[page] for page in unknown]), strict=True)
    facts = {page: known[sums[page]] for page in pages}
    known.clear()
    known.update({sums[page]: facts[page] for page in pages})
    return facts


def _facts(content: bytes) -> dict[str, list[str]]:
    """The anchors of a page, where it links to, and what should not be in it."""
    soup = BeautifulSoup(content, "html.parser")
    tags = soup.find_all(True)
    anchors = {str(tag[key]) for tag in tags for key in ("id", "name") if key in tag.attrs}
    addresses = dict.fromkeys(str(tag[key]) for tag in tags for key in ("href", "src") if key in tag.attrs)
    targets = [address for address in addresses if not (urlsplit(address).scheme or urlsplit(address).netloc)]
    return {"anchors": sorted(anchors), "targets": targets, "raw": _raw(soup)}


def _raw(soup: BeautifulSoup) -> list[str]:
    """What should never reach a reader: errors of the parser, unreplaced roles, tracebacks."""
    article = soup.find("article") or soup
    errors = [tag.get_text(" ", strip=True)[:120] for tag in article.select(".system-message")]
    for code in article.select("div.input, div.doctest, code"):
        code.extract()  # a chapter may show such text in its code, the guide and the library in their examples
    text = article.get_text()
    return [f"shows an error of its source: {error}" for error in errors] + [
        complaint for mark, complaint in RAW.items() if mark in text
    ]


def _follow(files: set[str], page: str, target: str, anchors: dict[str, set[str]]) -> str | None:
    """Why a link inside the book leads nowhere; None for a good one."""
    address = urlsplit(target)
    other = posixpath.normpath(posixpath.join(posixpath.dirname(page), unquote(address.path))) if address.path else page
    if other not in files:
        other = posixpath.normpath(posixpath.join(other, "index.html"))
    if other not in files:
        return f"{page} links to {target}, which does not exist"
    fragment = unquote(address.fragment)
    if fragment and other in anchors and fragment not in anchors[other]:
        return f"{page} links to {target}, but that page has no anchor '{fragment}'"
    return None
