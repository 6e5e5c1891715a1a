"""The role ``verdict``: a sentence of conclusion shows the verdict on its claim, and nobody types it.

``{verdict}`claim-id` `` shows sign and word of the reference's verdict on that claim of the ledger, as a link to the claim. Where
the run that the book shows comes to another verdict, this stands behind it. An unknown claim is a warning, so that a strict build
fails. A page is read again when a verdict that it shows has changed.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from ddlib_shown import Shown
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxRole
from sphinx.util.typing import ExtensionMetadata

LOGGER = logging.getLogger(__name__)
NBSP = "\N{NO-BREAK SPACE}"
VERDICTS = Shown("ddlib_verdicts")
PAGE = "book/claims"
"""Where the claims stand, each with the anchor ``claim-<id>``."""

Verdict = dict[str, str]


class VerdictRole(SphinxRole):
    """Replaces the id of a claim by its verdict."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Shows the verdict, or warns and shows its source."""
        name = self.text.strip()
        verdict = VERDICTS.show(self.env, name)
        if verdict is None:
            LOGGER.warning(unknown(name, VERDICTS.entries(self.env)), location=self.get_location(), type="ddlib", subtype="verdict")
            return [nodes.literal(self.rawtext, self.text)], []
        page = self.env.app.builder.get_relative_uri(self.env.docname, PAGE)
        return render(name, verdict, page), []


def render(name: str, verdict: Verdict, page: str) -> list[nodes.Node]:
    """The verdict as a link, and behind it what this run says if that is something else."""
    kind = verdict["verdict"].replace(" ", "-")
    words = f"{verdict['sign']}{NBSP}{verdict['verdict']}"
    link = nodes.reference("", words, refuri=f"{page}#claim-{name}", internal=True, reftitle=verdict["title"])
    link["classes"] += ["ddlib-verdict", kind]
    if not verdict["here"]:
        return [link]
    here = f"(this run: {verdict['here'].replace(' ', NBSP, 1)})"
    return [link, nodes.Text(" "), nodes.inline("", here, classes=["ddlib-mark"])]


def unknown(name: str, verdicts: Iterable[str]) -> str:
    """What is wrong with an id that no claim has."""
    near = difflib.get_close_matches(name, list(verdicts), n=1, cutoff=0.4)
    return f"no claim of the ledger has the id '{name}'" + (f"; did you mean '{near[0]}'?" if near else "")


def setup(app: Sphinx) -> ExtensionMetadata:
    """Registers the role and the place of the verdicts, relative to the source folder."""
    VERDICTS.setup(app, "book/generated/verdicts.json")
    app.add_role("verdict", VerdictRole())
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
