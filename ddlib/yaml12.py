"""YAML as a person means it: scalars by the core rules of YAML 1.2, and no key twice.

PyYAML, which the merge and the book need anyway, reads YAML 1.1: 010 as 8, 1:30 as 90, no as false, 1e-3 as a text. Four patterns
mend that, where a package for YAML 1.2 would be one more to install.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, ClassVar

from ddlib.extras import needed

__all__ = ["NotYamlError", "load"]

_SCALARS = (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", [*"tTfF"]),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", [*"-+0123456789"]),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", [*"-+.0123456789"]),
)
"""Tag, pattern and first characters of the scalars that are no texts: the core schema (YAML 1.2, section 10.3.2)."""


class NotYamlError(ValueError):
    r"""A text is not YAML, or has a key twice.

    Attributes:
        line: where, counted from 1.
        reason: what is wrong, where that is a sentence for people; empty for an error of syntax.

    >>> load("a: 1\na: 2")
    Traceback (most recent call last):
        ...
    ddlib.yaml12.NotYamlError: the key 'a' is given twice
    """

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason or f"no YAML in line {line}")
        self.line, self.reason = line, reason


@lru_cache
def _loader() -> Any:
    """PyYAML's safe loader with the scalars of YAML 1.2, made when it is needed: so is PyYAML."""

    class Loader(needed("yaml", "merge").SafeLoader):  # type: ignore[misc]
        yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}  # none of PyYAML's: so there are no dates and no merge keys either

    for tag, pattern, first in _SCALARS:
        Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(rf"^(?:{pattern})\Z"), first)
    for tag, construct in (("int", _whole_number), ("float", _number), ("map", _mapping)):
        Loader.add_constructor(f"tag:yaml.org,2002:{tag}", construct)
    return Loader


def _whole_number(loader: Any, node: Any) -> int:
    """Leading zeros are nothing; 0o and 0x begin other bases."""
    text = loader.construct_scalar(node)
    try:
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    except ValueError:  # Python reads no number of more than 4300 digits
        raise NotYamlError(node.start_mark.line + 1, f"{text[:20]!r} is no whole number") from None


def _number(loader: Any, node: Any) -> float:
    """As Python reads it, but for the dot before inf and nan."""
    text = loader.construct_scalar(node).lower()
    try:
        return float(text.replace(".inf", "inf").replace(".nan", "nan"))
    except ValueError:
        raise NotYamlError(node.start_mark.line + 1, f"{text[:20]!r} is no number") from None


def _mapping(loader: Any, node: Any) -> Iterator[dict[Any, Any]]:
    """A mapping in which no key stands twice; filled later, because it may hold itself."""
    mapping: dict[Any, Any] = {}
    yield mapping
    mapping.update(loader.construct_mapping(node))
    seen: set[Any] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in seen:
            raise NotYamlError(key_node.start_mark.line + 1, f"the key {key!r} is given twice")
        seen.add(key)


def load(text: str) -> Any:
    """The value of a text in YAML.

    Raises:
        NotYamlError: if it is not YAML, or a key is given twice.

    >>> load("{seed: 010, share: 1e-3, at: 1:30, on: no}")
    {'seed': 10, 'share': 0.001, 'at': '1:30', 'on': 'no'}
    """
    yaml = needed("yaml", "merge")
    try:
        return yaml.load(text, Loader=_loader())
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", 0) + 1
        reason = str(error.problem) if isinstance(error, yaml.constructor.ConstructorError) else ""
        raise NotYamlError(line, reason) from None
