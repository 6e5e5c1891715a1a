"""Checks of a built book that Sphinx does not make: all pages are there, local links lead somewhere, nothing is left raw."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

import yaml
from bs4 import BeautifulSoup

from ddbook.press.stage import toc_files

EXTRA_PAGES = {"index.html", "genindex.html", "search.html", "py-modindex.html"}
RAW = {
    "Traceback (most recent call last)": "shows the traceback of an error",
    "{res}`": "shows a number role that was not replaced",
    "{cite": "shows a citation that was not replaced",
}


def problems(html: Path, toc: Path) -> list[str]:
    """One sentence for each thing that is wrong with a built book; none for a good one."""
    pages = {path.relative_to(html).as_posix() for path in html.rglob("*.html") if "_static" not in path.relative_to(html).parts}
    wanted = {f"{page}.html" for page in toc_files(yaml.safe_load(toc.read_text(encoding="utf-8")))}
    found = [f"{page} is in the table of contents, but was not built" for page in sorted(wanted - pages)]
    found += [f"{page} was built, but is not in the table of contents" for page in sorted(pages - wanted - EXTRA_PAGES)]
    if "index.html" not in pages:
        found.append("index.html is missing")
    soups = {page: BeautifulSoup((html / page).read_bytes(), "html.parser") for page in sorted(pages)}
    anchors = {page: _anchors(soup) for page, soup in soups.items()}
    for page, soup in soups.items():
        found += _raw(page, soup)
        for target in _targets(soup):
            complaint = _follow(html, page, target, anchors)
            if complaint:
                found.append(complaint)
    return found


def _anchors(soup: BeautifulSoup) -> set[str]:
    return {str(tag[key]) for tag in soup.find_all(True) for key in ("id", "name") if key in tag.attrs}


def _targets(soup: BeautifulSoup) -> list[str]:
    return list(dict.fromkeys(str(tag[key]) for tag in soup.find_all(True) for key in ("href", "src") if key in tag.attrs))


def _raw(page: str, soup: BeautifulSoup) -> list[str]:
    """What should never reach a reader: errors of the parser, unreplaced roles, tracebacks."""
    article = soup.find("article") or soup
    errors = [tag.get_text(" ", strip=True)[:120] for tag in article.select(".system-message")]
    for code in article.select("div.input, code"):
        code.extract()  # a chapter may show such text in its code, and the guide in its examples
    text = article.get_text()
    found = [f"{page} shows an error of its source: {error}" for error in errors]
    return found + [f"{page} {complaint}" for mark, complaint in RAW.items() if mark in text]


def _follow(html: Path, page: str, target: str, anchors: dict[str, set[str]]) -> str | None:
    """Why a link of a page leads nowhere; links to other sites are not followed."""
    address = urlsplit(target)
    if address.scheme or address.netloc:
        return None
    path = ((html / page).parent / unquote(address.path)).resolve() if address.path else html / page
    if path.is_dir():
        path = path / "index.html"
    if not path.exists() or not path.is_relative_to(html.resolve()):
        return f"{page} links to {target}, which does not exist"
    other = path.relative_to(html.resolve()).as_posix() if address.path else page
    fragment = unquote(address.fragment)
    if fragment and other in anchors and fragment not in anchors[other]:
        return f"{page} links to {target}, but that page has no anchor '{fragment}'"
    return None
