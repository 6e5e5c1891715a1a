"""What README.md and CONTRIBUTING.md show works as shown."""

import re
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from ddlib.problem import ClosedForm, Distilled, Split, Task, distil, regret
from ddlib.tasks import EmpiricalTask
from tests import ROOT
from tests.ddlib.products import METHODS, reach, refusal
from tests.ddlib.worlds import closed_form_tasks, generator, random_data

SHOWN = {"dataclass": dataclass, "torch": torch, "Tensor": Tensor, "ClosedForm": ClosedForm, "Distilled": Distilled, "Split": Split}
SHOWN |= {"Task": Task, "EmpiricalTask": EmpiricalTask, "__name__": __name__}


def blocks(document: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / document).read_text(encoding="utf-8"), flags=re.DOTALL)


def test_the_readmes_example_gives_what_it_says():
    (example,) = blocks("README.md")
    *lines, last = example.strip().splitlines()
    names: dict[str, object] = {}
    exec("\n".join(lines), names)
    assert abs(eval(last, names).item()) < 1e-6


@pytest.fixture(scope="module")
def shown():
    names = dict(SHOWN)
    for block in blocks("CONTRIBUTING.md"):
        exec(compile(block, "CONTRIBUTING.md", "exec", dont_inherit=True), names)
    return names


def test_the_new_method_of_the_guide_runs_on_every_task(shown):
    for task in closed_form_tasks(random_data(0)):
        chosen, _ = distil(shown["FirstRows"](), task, 3, 0, generator())
        assert chosen.budget == 3
        assert (regret(task, task.fit(chosen)) >= -1e-9).all()


def test_every_method_gives_a_set_for_the_new_task_of_the_guide_or_says_what_it_lacks(shown):
    task, refused = shown["MeanTask"](random_data(0), 2), set()
    for method in METHODS:
        owed = refusal(method, task, 2)
        if owed is None:
            assert (regret(task, task.fit(reach(method, task, 2))) >= -1e-9).all()
        else:
            refused.add((method.name, owed[1]))
            with pytest.raises(owed[0], match=owed[1]):
                reach(method, task, 2)
    still = {(name, "no gradient") for name in ("first_order", "unrolled", "implicit")}  # they move x, and this task reads only y
    assert refused == still | {("exact", "no exact construction")}


def test_every_file_that_the_documents_link_to_exists():
    for document in ("README.md", "CONTRIBUTING.md"):
        text = (ROOT / document).read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", text):
            assert (ROOT / target).exists(), f"{document} links to {target}"


def test_every_path_that_the_documents_name_exists():
    """Between backticks, what begins with a folder of the project is a file or folder of it."""
    folders = "ddlib|ddbook|tests|benchmarks|notebooks|book|reference"
    named = []
    for document in ("README.md", "CONTRIBUTING.md", *(f"book/{path.name}" for path in sorted((ROOT / "book").glob("*.md")))):
        text = re.sub(r"```.*?```", "", (ROOT / document).read_text(encoding="utf-8"), flags=re.DOTALL)
        named += [(document, path) for path in re.findall(rf"`((?:{folders})/[\w./-]*)`", text) if "NN" not in path]
    assert len(named) > 20
    assert [(document, path) for document, path in named if not (ROOT / path).exists()] == []


def test_citation_and_changelog_have_the_version():
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), flags=re.MULTILINE)[1]
    assert f"version: {version}" in (ROOT / "CITATION.cff").read_text()
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text()
