"""The role ``verdict``: a sentence of conclusion shows the verdict on its claim, and nobody types it.

``{verdict}`claim-id` `` shows sign and word of the reference's verdict on that claim of the ledger, as a link to the claim. Where
the run that the book shows comes to another verdict, this stands behind it. An unknown claim is a warning, so that a strict build
fails. A page is read again when a verdict that it shows has changed.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxRole
from sphinx.util.typing import ExtensionMetadata

LOGGER = logging.getLogger(__name__)
NBSP = "\N{NO-BREAK SPACE}"
PAGE = "book/claims"
"""Where the claims stand, each with the anchor ``claim-<id>``."""

Verdict = dict[str, str]


class VerdictRole(SphinxRole):
    """Replaces the id of a claim by its verdict."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Shows the verdict, or warns and shows its source."""
        verdicts, name = recorded(self.env), self.text.strip()
        shown(self.env).setdefault(self.env.docname, {})[name] = verdicts.get(name)
        if name not in verdicts:
            LOGGER.warning(unknown(name, verdicts), location=self.get_location(), type="ddlib", subtype="verdict")
            return [nodes.literal(self.rawtext, self.text)], []
        page = self.env.app.builder.get_relative_uri(self.env.docname, PAGE)
        return render(name, verdicts[name], page), []


def recorded(env: BuildEnvironment) -> dict[str, Verdict]:
    """The verdicts on all claims."""
    path = Path(env.srcdir, env.config.ddlib_verdicts)
    return _read(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=1)
def _read(path: Path, changed: int) -> dict[str, Verdict]:
    return json.loads(path.read_text(encoding="utf-8"))


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


def shown(env: BuildEnvironment) -> dict[str, dict[str, Verdict | None]]:
    """For each page the verdicts that it shows, as they were when it was read."""
    if not hasattr(env, "ddlib_shown_verdicts"):
        env.ddlib_shown_verdicts = {}  # type: ignore[attr-defined]
    return env.ddlib_shown_verdicts


def forget(app: Sphinx, env: BuildEnvironment, page: str) -> None:
    """Forgets what a page showed that is read again, or gone."""
    shown(env).pop(page, None)


def take_over(app: Sphinx, env: BuildEnvironment, pages: Iterable[str], other: BuildEnvironment) -> None:
    """Takes what another process has read."""
    shown(env).update({page: shown(other)[page] for page in pages if page in shown(other)})


def show_again(app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]) -> list[str]:
    """The pages that show a verdict which has changed."""
    now = recorded(env) if shown(env) else {}
    return [page for page, then in shown(env).items() if any(now.get(name) != verdict for name, verdict in then.items())]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Registers the role and the place of the verdicts, relative to the source folder."""
    app.add_config_value("ddlib_verdicts", "book/generated/verdicts.json", "env", types=(str,))
    app.add_role("verdict", VerdictRole())
    app.connect("env-purge-doc", forget)
    app.connect("env-merge-info", take_over)
    app.connect("env-get-outdated", show_again)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
