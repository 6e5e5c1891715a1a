"""The mark of a reference that is older than the code: beside every sentence, figure and verdict that shows it."""

from __future__ import annotations

import html
import re

from nbformat import NotebookNode

from ddbook.press.overlay import NOTE

SENTENCE = re.compile(f'(<span class="{NOTE}">[^<]*)(</span>)')


def mark(text: str) -> str:
    """What to put behind a sentence about the reference, as HTML; nothing if there is nothing to say."""
    return f' <span class="ddlib-mark">({html.escape(text)})</span>' if text else ""


def marked(notebook: NotebookNode, text: str) -> None:
    """Put a mark behind what the captions of a notebook's figures say of the reference."""
    if not text:
        return
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            shown = output.get("data", {})
            if "text/html" in shown:
                shown["text/html"] = SENTENCE.sub(lambda said: f"{said[1]}{mark(text)}{said[2]}", shown["text/html"])
