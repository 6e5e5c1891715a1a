"""GitHub's workflows, which do not run here: valid, pinned, with few rights, and made of steps that do run here."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import ROOT

FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ELSEWHERE = {  # targets that .ci/run leaves to GitHub's machines
    "lock": "resolves versions in PyPI, and its outcome changes from day to day; the files that it writes are tested",
    "links": "asks other sites; tests/ddbook/press/test_links.py runs it against a site of its own",
}


def read(path: Path) -> dict[str, Any]:
    """A workflow; all values are texts, because YAML takes the key ``on`` for true."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)


WORKFLOWS = {path.stem: read(path) for path in FILES}
JOBS = {f"{stem}.{name}": job for stem, workflow in WORKFLOWS.items() for name, job in workflow["jobs"].items()}
STEPS = [(name, step) for name, job in JOBS.items() for step in job["steps"]]
ISSUE = JOBS["weekly.report"]["steps"][0]
RUN = [(name, step["run"]) for name, step in STEPS if "run" in step and step is not ISSUE]


def targets(commands: list[str]) -> set[str]:
    """The make targets in lines of the form ``make target [VARIABLE=value …]``."""
    found = [re.fullmatch(r"make ([a-z]+)(?: [A-Z]+=\S+)*", command) for command in commands]
    return {match[1] for match in found if match}


def valid(*files: Path) -> subprocess.CompletedProcess[str]:
    """GitHub's schema, which the package has inside, on files."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", *map(str, files)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_four_workflows_fit_github_s_schema() -> None:
    assert [path.stem for path in FILES] == ["publish", "pull-request", "reproduce", "weekly"]
    done = valid(*FILES)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("publish", "runs-on:", "run-on:"),
        ("publish", "pages: write", "pages: writes"),
        ("weekly", "cron:", "crom:"),
        ("weekly", "- run: make lock", "- runs: make lock"),
        ("reproduce", "workflow_dispatch:", "workflow_despatch:"),
        ("pull-request", "timeout-minutes: 60", "timeout-minutes: an hour"),
    ],
)
def test_a_mistake_in_a_workflow_is_found(tmp_path: Path, name: str, right: str, wrong: str) -> None:
    text = (ROOT / ".github" / "workflows" / f"{name}.yml").read_text(encoding="utf-8")
    assert right in text
    (tmp_path / "planted.yml").write_text(text.replace(right, wrong, 1), encoding="utf-8")
    done = valid(tmp_path / "planted.yml")
    assert done.returncode == 1, done.stdout
    assert "planted.yml" in done.stdout


def test_every_step_is_a_make_target_that_exists() -> None:
    known = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert len(RUN) >= 10
    for name, command in RUN:
        called = targets([command])
        assert called, f"{name} runs {command!r}: make it a target"
        assert called <= known, f"{name} runs {command!r}, which the Makefile does not have"


def test_every_target_that_github_runs_is_run_here_too_or_says_why_not() -> None:
    here = targets((ROOT / ".ci" / "run").read_text().splitlines())
    there = targets([command for _, command in RUN])
    assert there - here == set(ELSEWHERE)


def test_nothing_is_put_into_a_script_by_github() -> None:
    """A title or a branch with a semicolon would be a command: inputs go through the environment."""
    assert [name for name, step in STEPS if "${{" in step.get("run", "")] == []


def test_actions_are_github_s_own_at_a_major_version() -> None:
    used = [step["uses"] for _, step in STEPS if "uses" in step]
    assert [action for action in used if not re.fullmatch(r"actions/[a-z-]+@v\d+", action)] == []
    versions: dict[str, set[str]] = {}
    for action in used:
        versions.setdefault(action.partition("@")[0], set()).add(action)
    assert [sorted(found) for found in versions.values() if len(found) > 1] == []


def test_every_job_has_an_end_and_leaves_no_credentials_in_the_clone() -> None:
    for name, job in JOBS.items():
        assert int(job["timeout-minutes"]) < 360, name
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] == "false", name


def test_rights_are_read_only_but_for_publishing_and_for_the_issue() -> None:
    assert [stem for stem, workflow in WORKFLOWS.items() if workflow["permissions"] != {"contents": "read"}] == []
    assert {name: job["permissions"] for name, job in JOBS.items() if "permissions" in job} == {
        "publish.deploy": {"pages": "write", "id-token": "write"},
        "weekly.report": {"issues": "write"},
    }
    for name in ("publish.deploy", "weekly.report"):  # and these execute nothing that was installed
        assert not any(step.get("uses", "").startswith("actions/checkout@") for step in JOBS[name]["steps"])


def test_each_workflow_starts_when_it_should() -> None:
    assert WORKFLOWS["publish"]["on"] == {"push": {"branches": ["main"]}, "workflow_dispatch": ""}
    assert WORKFLOWS["pull-request"]["on"] == "pull_request"  # a change of main is tested once, by publish
    assert set(WORKFLOWS["reproduce"]["on"]) == {"workflow_dispatch"}
    (weekly,) = WORKFLOWS["weekly"]["on"]["schedule"]
    minute, hour, day, month, weekday = weekly["cron"].split()
    assert 0 < int(minute) < 60 and 0 <= int(hour) < 24 and (day, month) == ("*", "*") and 0 <= int(weekday) < 7
    assert "workflow_dispatch" in WORKFLOWS["weekly"]["on"]


def test_only_a_tested_book_whose_claims_hold_is_published_whole() -> None:
    deploy, book = JOBS["publish.deploy"], JOBS["publish.book"]
    assert set(deploy["needs"]) == {"test", "book"}
    assert deploy["if"] == "github.ref == 'refs/heads/main'"
    assert deploy["environment"]["name"] == "github-pages"
    assert WORKFLOWS["publish"]["concurrency"]["cancel-in-progress"] == "false"
    steps = [step.get("run") or step["uses"].partition("@")[0] for step in book["steps"]]
    wanted = [
        "make book PROFILE=laptop",
        "make archive PROFILE=laptop",
        "make claims PROFILE=laptop",
        "actions/upload-pages-artifact",
    ]
    assert [step for step in steps if step in wanted] == wanted
    assert not any("if" in step or "continue-on-error" in step for step in book["steps"])
    pages = next(step for step in book["steps"] if step.get("uses", "").startswith("actions/upload-pages-artifact@"))
    assert pages["with"]["path"] == "_build/laptop/html"


@pytest.mark.skipif(not shutil.which("bash"), reason="bash is not installed")
@pytest.mark.parametrize(
    ("listed", "said"),
    [("", ["issue create --title The check; $(touch planted) --body the run"]), ("7", ["issue comment 7 --body the run"])],
)
def test_a_failure_opens_one_issue_and_adds_to_it_afterwards(tmp_path: Path, listed: str, said: list[str]) -> None:
    gh = tmp_path / "gh"
    gh.write_text('#!/bin/sh\n[ "$2" = list ] && { printf "%s" "$LISTED"; exit; }\necho "$*" >> said\n')
    gh.chmod(0o755)
    values = {"TITLE": "The check; $(touch planted)", "BODY": "the run", "LISTED": listed}
    environment = os.environ | values | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    subprocess.run(["bash", "-e", "-c", ISSUE["run"]], cwd=tmp_path, env=environment, check=True)
    assert (tmp_path / "said").read_text().splitlines() == said
    assert not (tmp_path / "planted").exists()


def test_the_issue_names_the_run_and_waits_for_both_checks() -> None:
    assert "/actions/runs/${{ github.run_id }}" in ISSUE["env"]["BODY"]
    report = JOBS["weekly.report"]
    assert set(report["needs"]) == {name.partition(".")[2] for name in JOBS if name.startswith("weekly.")} - {"report"}
    assert report["if"].startswith("always() && (")
    assert all(f"needs.{name}.result != 'success'" in report["if"] for name in report["needs"])
