"""The two measurements of the chapter, and a still picture as the recorder shows it."""

from __future__ import annotations

from ddbook.chapters.one_dataset.plane import plane
from ddbook.press.shown import Shown
from ddlib.datasets import diabetes

PLANE = plane(diabetes())
SHOWN = Shown("touch", "1.3", b'<svg xmlns="http://www.w3.org/2000/svg" width="700" height="300"/>', b"", "six dots", "A caption.")
