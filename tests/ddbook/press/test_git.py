"""What is said of a repository, and of which one."""

import shutil
import subprocess

import pytest

from ddbook.press.git import Git, git, repository

UNKNOWN = Git(sha=None, dirty=False)


def ask(folder, *words):
    identity = ["-c", "user.name=A", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    return subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def project(tmp_path):
    """A repository with one commit."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "code.py").write_text("x = 1")
    (root / ".gitignore").write_text("_build/")
    ask(root, "init", "--quiet")
    ask(root, "add", ".")
    ask(root, "commit", "--quiet", "-m", "first")
    ask(root, "remote", "add", "origin", "https://github.com/ada/project.git")
    return root


def test_a_repository_of_its_own_is_described_a_worktree_too(project, tmp_path):
    sha = ask(project, "rev-parse", "HEAD")
    ask(project, "worktree", "add", "--quiet", str(tmp_path / "tree"))
    (tmp_path / "link").symlink_to(project)
    for root in (project, tmp_path / "tree", tmp_path / "link"):
        assert git(root) == Git(sha=sha, dirty=False)
        assert repository(root) == "https://github.com/ada/project"


def test_files_that_differ_are_dirty_and_ignored_ones_are_not(project):
    (project / "_build").mkdir()
    (project / "_build" / "run.json").write_text("{}")
    assert not git(project).dirty
    ask(project, "config", "status.showUntrackedFiles", "no")
    (project / "new.py").write_text("")
    assert git(project).dirty


def test_of_a_project_inside_another_repository_nothing_is_said(project, monkeypatch):
    inner = project / "unpacked"
    inner.mkdir()
    assert (git(inner), repository(inner)) == (UNKNOWN, None)
    shutil.copytree(inner, project.parent / "elsewhere")
    monkeypatch.setenv("GIT_DIR", str(project / ".git"))  # as in a hook of the other repository
    assert (git(project.parent / "elsewhere"), repository(project.parent / "elsewhere")) == (UNKNOWN, None)


def test_where_git_is_not_installed_nothing_is_known(project, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert (git(project), repository(project)) == (UNKNOWN, None)
