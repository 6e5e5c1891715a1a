"""What git knows of the project: only where the project is a repository of its own, never what lies around it."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from pydantic import BaseModel


class Git(BaseModel):
    """The commit, and whether files differed from it; no sha outside a repository."""

    sha: str | None
    dirty: bool


def git(root: Path) -> Git:
    """The state of the repository whose top folder is the project, a worktree included.

    Files that git ignores do not count. Of a project that was unpacked inside another repository nothing is known: the commit that
    git would tell there is the other one's.
    """
    if not _is_top(root):
        return Git(sha=None, dirty=False)
    return Git(sha=_ask(root, "rev-parse", "HEAD"), dirty=bool(_ask(root, "status", "--porcelain", "--untracked-files=normal")))


def repository(root: Path) -> str | None:
    """The web address of the project's remote ``origin`` where that is on GitHub."""
    return github_address(_ask(root, "remote", "get-url", "origin") or "") if _is_top(root) else None


def github_address(remote: str) -> str | None:
    """The web address of a GitHub remote in any of git's notations, or None for another host."""
    match = re.fullmatch(r"(?:https://(?:[^@/]+@)?|ssh://git@|git@)github\.com[:/]([\w.-]+)/([\w.-]+?)(?:\.git)?/?", remote.strip())
    return f"https://github.com/{match[1]}/{match[2]}" if match else None


def _is_top(root: Path) -> bool:
    # git says how to get up from here: an empty line at the top. Compared as paths, links and letter case would have to be resolved
    return _ask(root, "rev-parse", "--show-cdup") == ""


def _ask(root: Path, *words: str) -> str | None:
    """What git answers; None where it is not installed or has no answer, as in a bare repository or one that is somebody else's."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}  # in a hook, of that repository
    try:
        done = subprocess.run(
            ["git", *words], cwd=root, env=variables, capture_output=True, encoding="utf-8", errors="replace", check=False
        )
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
