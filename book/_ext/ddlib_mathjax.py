"""MathJax from the installed package ``sphinx-mathjax-offline``, so that the book is readable without a network.

That package is a Sphinx extension too, but it copies all of its 15 MB and sets an option behind the configuration; a book needs the
TeX-to-HTML bundle, its fonts and the TeX extensions that the bundle loads on demand.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from shutil import copytree, ignore_patterns

from sphinx.application import Sphinx
from sphinx.errors import ConfigError
from sphinx.util.typing import ExtensionMetadata

UNUSED = ("mml-*.js", "*-svg*", "tex-mml*", "tex-chtml-full*", "node-main.js", "adaptors", "svg", "svg.js", "asciimath.js")


def source() -> Path:
    """The folder of MathJax 3 in the installed package."""
    spec = find_spec("sphinx-mathjax-offline")
    if spec is None or spec.origin is None:
        raise ConfigError("MathJax is not installed: run pip install sphinx-mathjax-offline.")
    return Path(spec.origin).parent / "static" / "mathjax"


def copy_mathjax(app: Sphinx, exception: Exception | None) -> None:
    """Copies MathJax into the finished book."""
    if exception is None and app.builder.format == "html":
        copytree(source(), Path(app.outdir, "_static", "mathjax"), ignore=ignore_patterns(*UNUSED), dirs_exist_ok=True)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Puts MathJax on every page: captions of figures hold formulas that Sphinx does not see."""
    app.set_html_assets_policy("always")
    app.connect("build-finished", copy_mathjax)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
