"""Reading files that people write in YAML: profiles, the ledger of claims, noise files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from ddlib.study.files import InputError


def read_yaml(path: Path) -> Any:
    """The content of a file that exists.

    Raises:
        InputError: if it is not YAML, or cannot be read.
    """
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", 0) + 1
        raise InputError(f"{path} is not YAML: see its line {line}") from None
    except (UnicodeDecodeError, PermissionError, RecursionError) as error:
        raise InputError(f"{path} cannot be read ({type(error).__name__}): write it anew") from None
