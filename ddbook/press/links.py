"""Links from the book to other sites, followed by Sphinx's own checker; only on demand, because that needs a network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from ddbook.press.chapter import BookError
from ddbook.press.locks import BOOK_LOCK, locked
from ddbook.press.profiles import check_profile_name
from ddlib.files import InputError

JUPYTER_BOOK = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()", "build"]


class Links(NamedTuple):
    """What became of the links of a book to other sites.

    Attributes:
        good: addresses that answered.
        skipped: addresses that ``linkcheck_ignore`` in ``_config.yml`` leaves out.
        broken: a sentence for each that did not answer as it should.
    """

    good: list[str]
    skipped: list[str]
    broken: list[str]


def follow(profile: str, root: Path) -> Links:
    """Follow the links to other sites in the text of a book; those inside it are checked whenever it is built.

    Args:
        profile: whose book; it is read from the tree that the build has left in ``_build/<profile>/src``.
        root: the folder of the project.

    Raises:
        InputError: if there is no such tree.
        BookError: if the pages could not be read.
    """
    check_profile_name(profile)
    home = (root / "_build" / profile).resolve()
    if not (home / "src" / "_config.yml").is_file():
        raise InputError(f"there are no pages in {home / 'src'}: first give the command make book PROFILE={profile}")
    with locked(home / BOOK_LOCK, wait=True), tempfile.TemporaryDirectory(prefix="links-", dir=home) as scratch:
        command = [*JUPYTER_BOOK, str(home / "src"), "--path-output", scratch, "--builder", "linkcheck", "-q"]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "NO_COLOR": "1", "MPLBACKEND": "agg"}
        done = subprocess.run(command, cwd=home / "src", env=environment, capture_output=True, text=True, check=False)
        report = Path(scratch, "_build", "html", "output.json")
        finished = report.exists()
        lines = report.read_text(encoding="utf-8").splitlines() if finished else []
    results = [json.loads(line) for line in lines]
    troubles = [result for result in results if result["status"] in ("broken", "timeout")]
    if not finished or bool(done.returncode) != bool(troubles):
        tail = "\n  ".join((done.stdout + done.stderr).strip().splitlines()[-30:])
        raise BookError(f"The links were not checked, because jupyter-book stopped with an error:\n  {tail}")
    return _sorted([result for result in results if result["uri"].startswith(("http:", "https:"))])


def _sorted(results: list[dict[str, Any]]) -> Links:
    """By what became of them; Sphinx names an address once, with the first page that has it."""

    def addresses(*states: str) -> list[str]:
        return sorted(result["uri"] for result in results if result["status"] in states)

    bad = [result for result in results if result["status"] in ("broken", "timeout")]
    complaints = sorted(f"{result['filename']} links to {result['uri']}: {result['info'] or 'no answer'}" for result in bad)
    return Links(good=addresses("working", "redirected"), skipped=addresses("ignored"), broken=complaints)
