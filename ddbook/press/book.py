"""The book of a profile: staged from its finished runs, built with every warning an error, checked, then published in one move."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from ddbook.press.profiles import check_profile_name
from ddbook.press.sitecheck import problems
from ddbook.press.stage import BookError, committed_notebooks, stage

__all__ = ["BookError", "build"]

JUPYTER_BOOK = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()", "build"]
STRICT = ["-q", "--warningiserror", "--nitpick", "--keep-going"]


def build(profile: str, root: Path) -> Path:
    """Builds and publishes the book of a profile.

    Pages are read afresh each time: Sphinx's cache of parsed pages does not know that a page depends on a run.

    Args:
        profile: whose runs, below ``_build/<profile>/runs``, the book shows.
        root: the folder of the project.

    Returns:
        The first page, ``_build/<profile>/html/index.html``.

    Raises:
        BookError: if a chapter has no finished run, if the build gave a warning or if a link leads nowhere. The book that was
            published before is still there.
    """
    check_profile_name(profile)
    home = root / "_build" / profile
    source = stage(profile, root)
    with tempfile.TemporaryDirectory(prefix="book-", dir=home) as scratch:
        _sphinx(source, Path(scratch))
        html = Path(scratch, "_build", "html")
        for stem, notebook in committed_notebooks(source, root).items():
            # the page's download button gives the notebook of the repository; the executed one is linked in its record
            shutil.copyfile(notebook, html / "_sources" / "notebooks" / f"{stem}.ipynb")
        found = problems(html, source / "_toc.yml")
        if found:
            raise BookError(f"The book of profile {profile} is not published, because of:\n  " + "\n  ".join(found))
        publish(html, home / "html")
    return home / "html" / "index.html"


def _sphinx(source: Path, scratch: Path) -> None:
    command = [*JUPYTER_BOOK, str(source), "--path-output", str(scratch), *STRICT]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "NO_COLOR": "1", "MPLBACKEND": "agg"}
    done = subprocess.run(command, cwd=source, env=environment, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return
    output = re.sub(r"\x1b\[[0-9;]*m", "", done.stderr).replace(f"{source.resolve()}{os.sep}", "").replace(f"{source}{os.sep}", "")
    warnings = re.findall(r"^.*(?:WARNING|ERROR|CRITICAL|SEVERE): .*(?:\n[ \t]+\S.*)*", output, flags=re.MULTILINE)
    details = list(dict.fromkeys(warnings)) or (done.stdout + output).strip().splitlines()[-30:]
    count = f"{len(warnings)} warning{'s' * (len(warnings) != 1)}" if warnings else "an error"
    raise BookError(f"The book is not published, because jupyter-book stopped with {count}:\n  " + "\n  ".join(details))


def publish(new: Path, target: Path) -> None:
    """Puts a finished folder in the place of the published one, and mends first what a crash in between has left."""
    old = target.with_name(f"{target.name}.old")
    if old.exists() and not target.exists():
        old.rename(target)
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    new.rename(target)
    shutil.rmtree(old, ignore_errors=True)
