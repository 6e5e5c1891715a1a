"""Lets the docstrings of ``ddlib`` stay plain text: what Sphinx would misread in them is set right before it reads them.

- "shape (*R, m, d)" becomes code, because a bare asterisk opens emphasis;
- a colon in the first line of a property or attribute is prose: Google style would take what precedes it for a type;
- "first, second: text" describes two arguments or attributes at once: Sphinx would take "first," for a type;
- the fields of named tuples are described once;
- a name refers to what it means in its module; a type variable or an alias, which has no entry of its own, is shown as plain text.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.typing import ExtensionMetadata

SHAPE = re.compile(r"(?<!`)(\bshapes? )(\([^()`]*\))")
SEVERAL = re.compile(r"^( *\w+(?:, \w+)+): ")
HELD, SPACE = "\ue000", "\ue001"  # stand for a colon and a space while a docstring is read; characters that no text uses


def before_napoleon(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Marks shapes as code, and hides spaces between names and the first colons of attributes."""
    lines[:] = [SHAPE.sub(r"\1``\2``", SEVERAL.sub(lambda names: names[0].replace(", ", f",{SPACE}"), line)) for line in lines]
    if what in {"property", "attribute", "data"} and lines:
        lines[0] = lines[0].replace(":", HELD)


def after_napoleon(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Puts the hidden colons back."""
    lines[:] = [line.replace(HELD, ":") for line in lines]


def show_spaces(app: Sphinx, doctree: nodes.document) -> None:
    """Puts the hidden spaces back, once Sphinx has read the fields."""
    for text in list(doctree.findall(nodes.Text)):
        if SPACE in text:
            text.parent.replace(text, nodes.Text(text.replace(SPACE, " ")))


def skip_fields(app: Sphinx, what: str, name: str, obj: Any, skip: bool, options: Any) -> bool | None:
    """Leaves out the fields of named tuples, which the class describes under "Variables", and the machinery of pydantic."""
    return True if str(getattr(obj, "__doc__", "")).startswith("Alias for field number") or name == "model_config" else None


def plain_signature(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, signature: str | None, returns: str | None
) -> tuple[str | None, str | None] | None:
    """Leaves out the arguments of protocols, which nobody calls, and what Python cannot read in a default made by a factory."""
    if getattr(obj, "_is_protocol", False) and inspect.isclass(obj):
        return "", ""
    return (signature.replace("<factory>", "..."), returns) if signature else None


def resolve_as_python(app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.Element) -> nodes.Element | None:
    """Takes a name for what it means in the module that uses it; what that does not find stays a warning."""
    if node.get("refdomain") != "py":
        return None
    module, _, name = str(node.get("reftarget", "")).rpartition(".")
    module = module or str(node.get("py:module"))
    if not module.startswith("ddlib"):
        return None
    found = next((vars(place)[name] for place in _places(module) if name in vars(place)), None)
    if found is None:
        return None
    if not (inspect.isclass(found) or inspect.isroutine(found)):
        return content
    target = f"{found.__module__}.{found.__qualname__}"
    return env.get_domain("py").resolve_xref(env, node["refdoc"], app.builder, "obj", target, node, content)


def load_before(app: Sphinx, env: BuildEnvironment, pages: list[str]) -> None:
    """Loads the library once: the processes that read pages are copies of this one."""
    if any(page.startswith("book/api/") for page in pages):
        for module in pkgutil.walk_packages(importlib.import_module("ddlib").__path__, "ddlib."):
            importlib.import_module(module.name)


def _places(module: str) -> Iterator[ModuleType]:
    """The module, then those of the bases of its classes: a dataclass inherits annotations with the names in them."""
    try:
        here = importlib.import_module(module)
    except ImportError:
        return
    yield here
    for known in list(vars(here).values()):
        if inspect.isclass(known) and known.__module__ == module:
            yield from (sys.modules[base.__module__] for base in known.__mro__[1:])


def setup(app: Sphinx) -> ExtensionMetadata:
    """Connects around napoleon, which runs at priority 500."""
    app.connect("autodoc-process-docstring", before_napoleon, priority=400)
    app.connect("autodoc-process-docstring", after_napoleon, priority=600)
    app.connect("doctree-read", show_spaces)
    app.connect("autodoc-process-signature", plain_signature)
    app.connect("autodoc-skip-member", skip_fields)
    app.connect("missing-reference", resolve_as_python)
    app.connect("env-before-read-docs", load_before)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
