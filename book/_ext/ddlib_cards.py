"""Cards that open when a reader points at a link to a term, an equation, a figure, a citation, a claim or a page: sphinx-tippy's.

That extension collects what a card shows while pages are written. In a build that goes on from an earlier one, or that writes pages
in several processes, it would miss most of them; so it is asked once, at the end, about the finished pages. Its scripts, Popper and
Tippy (both MIT licence), lie in ``_static/cards``: nothing comes from other machines.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sphinx_tippy as tippy
from bs4 import BeautifulSoup, Tag
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

SCRIPTS = ("cards/popper.min.js", "cards/tippy-bundle.umd.min.js")
LEFT = ("tippy_wiki_cache.json", "tippy_doi_cache.json", "tippy_rtd_cache.json")
"""What sphinx-tippy leaves in a book for its questions to other machines, of which none is asked."""


def collect_at_the_end(app: Sphinx) -> None:
    """Takes sphinx-tippy out of the writing of pages."""
    for listener in list(app.events.listeners["html-page-context"]):
        if listener.handler is tippy.collect_tips:
            app.disconnect(listener.id)


def load(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    """Has a page load the scripts and its own cards."""
    if doctree:
        for name in (*SCRIPTS, f"tippy/{pagename}.js"):
            app.add_js_file(name, loading_method="defer")


def collect(app: Sphinx, exception: Exception | None) -> None:
    """Tells sphinx-tippy of all finished pages, which it writes the cards of afterwards."""
    if exception is not None or app.builder.format != "html":
        return
    app.env.tippy_data = {"pages": {}}  # type: ignore[attr-defined]
    for page in sorted(app.env.found_docs):
        text = Path(app.outdir, f"{page}.html").read_text(encoding="utf-8")
        article = BeautifulSoup(text, "html.parser").find("article")
        if isinstance(article, Tag):
            tippy.collect_tips(app, page, "page.html", {"body": simplified(article)}, app.env.get_doctree(page))
            known = tippy.get_tippy_data(app)["pages"][page]
            known["refs_in_page"] = sorted(known["refs_in_page"], key=str)  # a set's order changes from build to build
            known["js_path"] = Path(app.outdir, "_static", "tippy", f"{page}.js")
            known["element_id_map"] |= {
                anchor: anchor for anchor in known["id_to_html"] if anchor
            }  # figures and claims are no nodes


def simplified(article: Tag) -> str:
    """A page as cards shall show it: without buttons, and of a claim its statement and its verdict."""
    for button in article.select(".headerlink, button"):
        button.decompose()
    for claim in article.select("[id^=claim-]"):
        words = " ".join(part.decode_contents() for part in claim.select(".claim, .judged"))
        claim.replace_with(BeautifulSoup(f'<p id="{claim["id"]}">{words}</p>', "html.parser"))
    return str(article)


def tidy(app: Sphinx, exception: Exception | None) -> None:
    """Removes what sphinx-tippy keeps for another time."""
    for name in LEFT:
        Path(app.outdir, name).unlink(missing_ok=True)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Comes before sphinx-tippy at the end, and after it to tidy."""
    app.setup_extension("sphinx_tippy")
    app.connect("builder-inited", collect_at_the_end)
    app.connect("html-page-context", load)
    app.connect("build-finished", collect, priority=400)
    app.connect("build-finished", tidy, priority=600)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
