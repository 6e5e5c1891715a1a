"""Links to figures show their numbers, which no author types.

``[](#figure-map)`` is a link to the figure that the same notebook recorded as ``map``, and reads "Figure 2.1"; on another page
``[](../notebooks/02_what_methods_optimise.ipynb#figure-map)`` does the same. A link with a text of its own keeps it. A figure that
is not there is a warning, so that a strict build fails.
"""

from __future__ import annotations

import re

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

FIGURE = re.compile(r'<figure class="ddlib-figure" id="(figure-[a-z0-9_]+)">')
NUMBER = re.compile(r'<span class="ddlib-number">(Figure [\d.]*\d)\.</span>')


def figures(doctree: nodes.document) -> dict[str, str]:
    """The anchors of the figures on a page, with what a link to each reads."""
    found = {}
    for raw in doctree.findall(nodes.raw):
        for anchor, rest in zip(*[iter(FIGURE.split(raw.astext())[1:])] * 2, strict=True):
            number = NUMBER.search(rest)
            found[anchor] = number[1] if number else "the figure"
    return found


def link(app: Sphinx, doctree: nodes.document) -> None:
    """Resolves a page's links to its own figures, and tells MyST of them for the links of other pages."""
    found = figures(doctree)
    if not found:
        return
    slugs = app.env.metadata[app.env.docname].setdefault("myst_slugs", {})
    slugs.update({anchor: (0, anchor, number) for anchor, number in found.items()})
    for reference in list(doctree.findall(addnodes.pending_xref)):
        target = reference.get("reftarget")
        if reference.get("reftype") == "myst" and target in found:
            text = reference.astext() or found[target]
            reference.replace_self(nodes.reference("", "", nodes.inline(text, text), internal=True, refid=target))


def setup(app: Sphinx) -> ExtensionMetadata:
    """Connects when a page is read."""
    app.connect("doctree-read", link)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
