"""The mark of a reference that is older than the code: beside every sentence, figure and verdict that shows it."""

from __future__ import annotations

import html
import re

from nbformat import NotebookNode

from ddbook.press.overlay import NOTE

CAPTION = re.compile(r"<figcaption\b.*?</figcaption>", re.DOTALL)
NUMBER = re.compile(r'<span class="ddlib-number">(Figure [\d.]*\d)\.</span>')
SENTENCE = re.compile(f'(<span class="{NOTE}">)([^<]*)(</span>)')

OLDER = (
    "Some of the code behind this result has changed since it was computed, which need not move it: the record at the end of "
    "the chapter says what."
)
"""What opens beside a mark."""


def mark(text: str) -> str:
    """What to put behind a sentence about the reference, as HTML; nothing if there is nothing to say."""
    return f' <span class="ddlib-mark" title="{OLDER}">({html.escape(text)})</span>' if text else ""


def brief(text: str) -> str:
    """A mark or a sentence on the reference without what stands behind its colon or in its brackets: the record has that.

    >>> brief("The reference run is not drawn: steps is 20 here and 2000 there.")
    'The reference run is not drawn.'
    >>> brief("Small diamonds: the reference run (n = 5).")
    'Small diamonds: the reference run.'
    """
    if text.startswith("Small diamonds"):
        return re.sub(r" \([^()]*\)\.$", ".", text)
    head, colon, _ = text.partition(":")
    return f"{head}." if colon and text.endswith(".") else head


def two_runs(notebook: NotebookNode, profile: str) -> None:
    """Say behind a chapter's answer which run the page shows, and which its verdicts are of.

    Args:
        notebook: a chapter with a reference, whose first cell, if that is text, is changed.
        profile: of the run that the page shows.
    """
    cells = notebook.cells[:1]
    if profile != "paper" and cells and cells[0].cell_type == "markdown":
        cells[0].source += (
            f'\n\n<p class="ddlib-runs">Two runs stand on this page. Numbers and all other marks: this run, profile '
            f"<code>{html.escape(profile)}</code>. Verdicts, and small hollow diamonds in figures: the "
            '<a href="../book/repetition.html">reference</a>, at the published scale.</p>'
        )


def marked(notebook: NotebookNode, text: str) -> list[str]:
    """Shorten what the captions of a notebook's figures say of the reference, and put a mark behind it.

    Args:
        notebook: an executed chapter, which is changed.
        text: why its reference is older than its code; empty if it is not.

    Returns:
        All that was said, for the record at the end of the chapter: a line for each figure.
    """
    told: list[str] = []

    def short(figure: re.Match[str]) -> str:
        said = SENTENCE.search(figure[0])
        if said is None:
            return figure[0]
        number = NUMBER.search(figure[0])
        told.append(f"{number[1] + '. ' if number else ''}{html.unescape(said[2])}")
        return figure[0].replace(said[0], f"{said[1]}{html.escape(brief(html.unescape(said[2])))}{mark(brief(text))}{said[3]}")

    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            shown = output.get("data", {})
            if "text/html" in shown:
                shown["text/html"] = CAPTION.sub(short, shown["text/html"])
    return [*told, *([f"The reference is {text}."] if told and text else [])]
