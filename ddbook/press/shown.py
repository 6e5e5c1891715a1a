"""A recorded figure as a notebook shows it."""

from __future__ import annotations

import base64
import html
from typing import Any

from ddbook.press.overlay import NOTE


class Shown:
    """A recorded figure as Jupyter displays it: HTML with alternative text, number and caption, or a PNG where there is no HTML.

    Links lead to it by ``#figure-<name>``.
    """

    def __init__(self, name: str, number: str, svg: bytes, png: bytes, alt: str, caption: str, note: str = "") -> None:
        self._name, self._number, self._svg, self._png, self._alt = name, number, svg, png, alt
        self._caption, self._note = caption, note

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        source = base64.b64encode(self._svg).decode()
        number = f'<span class="ddlib-number">Figure {self._number}.</span>'
        note = f'<span class="{NOTE}">{html.escape(self._note)}</span>' if self._note else ""
        text = " ".join(part for part in (number, html.escape(self._caption), note) if part)
        caption = f'<figcaption class="tex2jax_process mathjax_process">{text}</figcaption>'
        image = f'<img src="data:image/svg+xml;base64,{source}" alt="{html.escape(self._alt)}">'
        return {
            "text/html": f'<figure class="ddlib-figure" id="figure-{self._name}">{image}{caption}</figure>',
            "image/png": base64.b64encode(self._png).decode(),
            "text/plain": self._alt,
        }
