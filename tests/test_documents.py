"""What README.md and CONTRIBUTING.md show works as shown."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from ddlib import Distilled
from tests import ROOT

AFTER = {"tests/ddlib/worlds.py": "LogisticTask(data, replicates)", "ddlib/pinn/__init__.py": "Wave()"}
"""Behind what in a list of a file that exists a recipe's own thing stands."""
PRODUCTS = (
    *("tests/ddlib/test_products.py", "tests/ddlib/test_problem.py", "tests/ddlib/test_lens.py", "tests/ddlib/test_settings.py"),
    *("tests/ddlib/tasks/test_empirical.py", "tests/ddlib/methods/test_exact.py", "tests/ddlib/pinn/problems"),
    *("tests/ddlib/pinn/test_task.py", "tests/ddlib/pinn/test_deepxde.py"),
    *("ddlib/methods/first_rows.py", "ddlib/methods/exchange.py", "ddlib/tasks/mean.py", "ddlib/pinn/problems/decay.py"),
)
SEEN = (
    *("[first_rows-", "[first_rows]", "firstrows", "meantask", "decay"),  # the method on every task, the problem under every test
    *("[exchange-", "[exchange]", "exchange.exchange ", "exchangestate"),  # and the iterative method
    *(
        "[zeroth_order-mean]",
        "[first_order-mean]",
        "[herding-mean]",
        "[exact-mean]",
        "protocol[mean]",
    ),  # the task with a few methods
    *("refusals_are", "becomes_public", "learning_nothing", "does_not_become", "equals_itself"),  # and where all tasks are at once
    *("weighted_rows_are", "how_many_points", "budget_of_zero", "labels_that_say", "replicates_are_copies"),
)


def blocks(document: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / document).read_text(encoding="utf-8"), flags=re.DOTALL)


def test_the_readmes_example_gives_what_it_says():
    (example,) = blocks("README.md")
    *lines, last = example.strip().splitlines()
    names: dict[str, object] = {}
    exec("\n".join(lines), names)
    assert abs(eval(last, names).item()) < 1e-6


def test_the_page_on_ones_own_data_runs_and_its_sets_serve(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where the page writes its files
    names: dict[str, object] = {}
    for block in blocks("book/own_data.md"):
        exec(block, names)
    for task, error in (("task", 0.3), ("svm", 0.3)):
        made = names[task]
        assert made.risk(made.fit(names["sets"]["gradient_matching"]), "test").item() < error
    assert Distilled.load("set.pt").budget == names["run"].distilled.budget and names["whole"].state.step == 50


def follow(recipe: str, root) -> None:
    """Do what a block of the guide says: a new file as it stands; in one that exists a line, a name in ``__all__``, a value."""
    path, text = re.match(r"# (\S+)\n(.*)", recipe, flags=re.DOTALL).groups()
    file = root / path
    if not file.exists():
        file.write_text(text, encoding="utf-8")
        return
    there = file.read_text(encoding="utf-8")
    line, *made = text.strip().split("\n\n")
    last = max(found.start() for found in re.finditer(r"^from ddlib\b", there, flags=re.MULTILINE))
    there = f"{there[:last]}{line}\n{there[last:]}"
    if file.name == "__init__.py":
        there = there.replace("__all__ = [\n", f'__all__ = [\n    "{line.split()[-1]}",\n', 1)
    for value in made:
        assert there.count(AFTER[path]) == 1
        there = there.replace(AFTER[path], f"{AFTER[path]}, {value}")
    file.write_text(there, encoding="utf-8")


@pytest.fixture(scope="module")
def followed(tmp_path_factory):
    """A copy of library and tests in which all recipes of the guide were followed to the letter."""
    root = tmp_path_factory.mktemp("guide")
    for part in ("ddlib", "tests"):
        shutil.copytree(ROOT / part, root / part, ignore=shutil.ignore_patterns("__pycache__", "ddbook"))
    shutil.copy(ROOT / "pyproject.toml", root)
    for recipe in blocks("CONTRIBUTING.md"):
        follow(recipe, root)
    return root


def test_the_recipes_of_the_guide_followed_to_the_letter_pass_the_product_tests(followed):
    """In files of their own, with the imports that they show: the new method on all tasks, the new task with some methods."""
    environment = os.environ | {"PYTHONPATH": str(followed)}
    words = ["-vv", "-p", "no:cacheprovider", "-k", " or ".join(SEEN), *PRODUCTS]
    done = subprocess.run([sys.executable, "-m", "pytest", *words], cwd=followed, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert [seen for seen in SEEN if seen not in done.stdout.lower()] == []


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
