"""Jupyter-book on a staged tree, in a process of its own: every warning an error, several pages at a time."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import ddbook
from ddbook.press.chapter import BookError
from ddbook.press.surroundings import neutral

PROCESSES = 4
"""At most so many: each holds the library, and the last steps are one process's work."""


def typeset(source: Path, folder: Path) -> Path:
    """Build a book.

    Args:
        source: the staged tree.
        folder: for pages and for Sphinx's cache of what it has read; a build that finds such a cache goes on from it.

    Returns:
        The folder of the pages.

    Raises:
        BookError: with each warning, if there was one; the cache must not be used again then, because it would hide them.
    """
    jobs = min(os.cpu_count() or 1, PROCESSES)
    command = [sys.executable, "-m", "ddbook.press.typeset", str(source), str(folder), str(jobs)]
    path = os.pathsep.join([str(Path(ddbook.__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = neutral(os.environ) | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1", "NO_COLOR": "1", "MPLBACKEND": "agg"}
    done = subprocess.run(command, cwd=source, env=environment, capture_output=True, text=True, check=False)
    if done.returncode < 0:
        ended = signal.Signals(-done.returncode).name
        raise BookError(f"The book is not published, because jupyter-book was ended by {ended} (out of memory?): build it again")
    if done.returncode != 0:
        raise BookError(_told(source, done.stdout, done.stderr))
    return folder / "html"


def _told(source: Path, stdout: str, stderr: str) -> str:
    """Why there is no book: the warnings, or else the last words."""
    output = re.sub(r"\x1b\[[0-9;]*m", "", stderr).replace(f"{source.resolve()}{os.sep}", "").replace(f"{source}{os.sep}", "")
    warnings = re.findall(r"^.*(?:WARNING|ERROR|CRITICAL|SEVERE): .*(?:\n[ \t]+\S.*)*", output, flags=re.MULTILINE)
    details = list(dict.fromkeys(warnings)) or (stdout + output).strip().splitlines()[-30:]
    count = f"{len(warnings)} warning{'s' * (len(warnings) != 1)}" if warnings else "an error"
    return f"The book is not published, because jupyter-book stopped with {count}:\n  " + "\n  ".join(details)


def main(source: Path, folder: Path, jobs: int) -> int:
    """What ``jupyter-book build -n -W --keep-going`` does, which cannot be told how many processes to use; its exit status."""
    from jupyter_book.sphinx import build_sphinx

    sys.modules["sphinxext.opengraph._social_cards"] = None  # type: ignore[assignment]  # not used, and loads matplotlib
    status = build_sphinx(
        source,
        folder / "html",
        doctreedir=folder / "doctrees",
        noconfig=True,
        path_config=source / "_config.yml",
        confoverrides={"external_toc_path": (source / "_toc.yml").as_posix(), "latex_individualpages": False, "nitpicky": True},
        warningiserror=True,
        keep_going=True,
        quiet=True,
        jobs=jobs,
    )
    return status if isinstance(status, int) else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))
