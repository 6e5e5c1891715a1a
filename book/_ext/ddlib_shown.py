"""What pages show of a file that is made before each build: a page is read again when what it shows has changed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment


class Shown:
    """The entries of a JSON file, and for each page those that it shows, as they were when it was read.

    Attributes:
        option: of the configuration, which says where the file lies, relative to the source folder; and where the pages are noted.
    """

    def __init__(self, option: str) -> None:
        self.option = option

    def setup(self, app: Sphinx, default: str) -> None:
        """Registers the option, and what is to be done as pages come and go."""
        app.add_config_value(self.option, default, "env", types=(str,))
        app.connect("env-purge-doc", lambda app, env, page: self.pages(env).pop(page, None))
        app.connect("env-merge-info", self.take_over)
        app.connect("env-get-outdated", self.outdated)

    def entries(self, env: BuildEnvironment) -> dict[str, Any]:
        """All entries of the file, as it is now."""
        path = Path(env.srcdir, env.config[self.option])
        return _read(path, path.stat().st_mtime_ns)

    def show(self, env: BuildEnvironment, key: str) -> Any:
        """An entry, which the page that is being read shows from now on; None if there is no such entry."""
        entry = self.entries(env).get(key)
        self.pages(env).setdefault(env.docname, {})[key] = entry
        return entry

    def pages(self, env: BuildEnvironment) -> dict[str, dict[str, Any]]:
        """For each page the entries that it shows."""
        if not hasattr(env, f"{self.option}_shown"):
            setattr(env, f"{self.option}_shown", {})
        return getattr(env, f"{self.option}_shown")

    def take_over(self, app: Sphinx, env: BuildEnvironment, pages: Iterable[str], other: BuildEnvironment) -> None:
        """Takes what another process has read."""
        theirs = self.pages(other)
        self.pages(env).update({page: theirs[page] for page in pages if page in theirs})

    def outdated(self, app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]) -> list[str]:
        """The pages that show an entry which has changed."""
        noted = self.pages(env)
        now = self.entries(env) if noted else {}
        return [page for page, then in noted.items() if any(now.get(key) != entry for key, entry in then.items())]


@lru_cache(maxsize=4)
def _read(path: Path, changed: int) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))
