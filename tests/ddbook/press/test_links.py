"""Links to other sites: a dead one is found and named with its page, a good one is not, and what is ignored is not asked."""

from __future__ import annotations

import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from ddbook.press.chapter import BookError
from ddbook.press.links import follow
from ddlib.files import InputError
from tests import ROOT

CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
IGNORED = CONFIG["sphinx"]["config"]["linkcheck_ignore"]


class Site(http.server.BaseHTTPRequestHandler):
    """A site with the page /good, and /gone, which is not there."""

    asked: list[str]

    def do_HEAD(self) -> None:
        self.asked.append(self.path)
        self.send_response(200 if self.path == "/good" else 404)
        self.end_headers()

    do_GET = do_HEAD

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def site() -> Iterator[tuple[str, list[str]]]:
    """The address of a site on this machine, and what it is asked."""
    handler = type("Handler", (Site,), {"asked": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", handler.asked
        server.shutdown()


def staged(root: Path, text: str) -> Path:
    """A project with the pages of a book of profile small, as its build leaves them."""
    tree = root / "_build" / "small" / "src"
    tree.mkdir(parents=True)
    options = {"linkcheck_ignore": IGNORED, "linkcheck_retries": 2, "linkcheck_timeout": 5}
    (tree / "_config.yml").write_text(yaml.safe_dump({"title": "Small", "sphinx": {"config": options}}), encoding="utf-8")
    (tree / "_toc.yml").write_text("format: jb-book\nroot: index\n", encoding="utf-8")
    (tree / "index.md").write_text(f"# Small\n\n{text}\n", encoding="utf-8")
    (root / "pyproject.toml").touch()
    return root


def test_a_dead_link_is_named_with_its_page_after_a_second_try(tmp_path: Path, site: tuple[str, list[str]]) -> None:
    address, asked = site
    text = f"[a]({address}/good) [b]({address}/gone) [c](https://doi.org/10.1000/182) [d](#small)"
    found = follow("small", staged(tmp_path, text))
    assert (found.good, found.skipped) == ([f"{address}/good"], ["https://doi.org/10.1000/182"])
    (complaint,) = found.broken
    assert complaint.startswith(f"index.md links to {address}/gone: 404")
    assert asked.count("/gone") > asked.count("/good")
    assert [path.name for path in (tmp_path / "_build" / "small").glob("[!.]*")] == ["src"]


def test_the_exit_status_tells(tmp_path: Path, site: tuple[str, list[str]]) -> None:
    for name, status in (("good", 0), ("gone", 1)):
        root = staged(tmp_path / name, f"[x]({site[0]}/{name})")
        command = [sys.executable, "-m", "ddbook", "links", "--profile", "small"]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stdout + done.stderr
        assert f"{1 - status} good, {status} broken, 0 not followed" in done.stdout
        assert ("index.md links to" in done.stderr) == (status == 1)


def test_without_pages_it_says_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="first give the command make book PROFILE=small"):
        follow("small", tmp_path)


def test_a_tree_that_cannot_be_read_is_no_tree_without_broken_links(tmp_path: Path) -> None:
    (staged(tmp_path, "x") / "_build" / "small" / "src" / "_toc.yml").write_text("format: unknown\n", encoding="utf-8")
    with pytest.raises(BookError, match="The links were not checked"):
        follow("small", tmp_path)
