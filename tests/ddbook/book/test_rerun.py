"""How to compute a chapter again elsewhere: the lines on its page give the page's values, and the buttons open what is there."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest
import yaml
from bs4 import BeautifulSoup
from packaging.requirements import Requirement

from ddbook.press import rerun
from ddbook.press.parameters import read_schema
from ddbook.press.profiles import chapters, plan
from ddbook.press.provenance import Git
from ddbook.press.repository import pages_address
from ddbook.press.stage import stage
from tests.ddbook.book import fake

NOTEBOOKS = fake.PROJECT / "notebooks"
STEM = "01_one_dataset_many_tasks"
SHA = "0123456789abcdef0123456789abcdef01234567"
ADDRESS = "https://github.com/someone/fork"


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)\n```", text, flags=re.DOTALL)


@pytest.mark.parametrize("profile", ["smoke", "paper"])
@pytest.mark.parametrize("notebook", chapters(NOTEBOOKS), ids=lambda path: path.stem)
def test_the_lines_below_the_parameters_cell_give_the_values_of_the_run(notebook: Path, profile: str) -> None:
    wanted = plan(NOTEBOOKS, profile)[notebook.stem]
    run = fake.record(notebook.stem).model_copy(update={"parameters": wanted})
    (cell,) = [cell.source for cell in nbformat.read(notebook, as_version=4).cells if "parameters" in cell.metadata.get("tags", [])]
    names: dict[str, object] = {}
    exec(cell, names)
    defaults = {name: names[name] for name in wanted}
    (lines,) = blocks(rerun.instructions(run, read_schema(notebook), ADDRESS), "python")
    exec(lines, names)
    assert {name: names[name] for name in wanted} == wanted
    assigned = {line.partition(" = ")[0] for line in lines.splitlines()}
    assert assigned == {name for name in wanted if defaults[name] != wanted[name]}  # and nothing else


def test_where_nothing_differs_the_page_says_so() -> None:
    notebook = NOTEBOOKS / f"{STEM}.ipynb"
    defaults = {name: parameter.default for name, parameter in read_schema(notebook).items()}
    said = rerun.instructions(fake.record(STEM).model_copy(update={"parameters": defaults}), read_schema(notebook), ADDRESS)
    assert "the notebook's own values are those of this page" in said
    assert blocks(said, "python") == []


@pytest.mark.parametrize(
    ("git", "line", "said"),
    [
        (Git(sha=SHA, dirty=False), f"git+{ADDRESS}@{SHA}", "the version behind this page"),
        (Git(sha=SHA, dirty=True), f"git+{ADDRESS}", "differed from every committed one"),
        (Git(sha=None, dirty=False), f"git+{ADDRESS}", "is not known"),
    ],
)
def test_colab_gets_the_version_of_the_run_where_that_is_a_commit(git: Git, line: str, said: str) -> None:
    text = rerun.instructions(fake.record(STEM).model_copy(update={"git": git}), read_schema(NOTEBOOKS / f"{STEM}.ipynb"), ADDRESS)
    (cell,) = blocks(text, "ipython3")
    assert cell.startswith("%pip install ")
    assert said in text
    library, study = (Requirement(word) for word in shlex.split(cell.removeprefix("%pip install ")))
    assert (library.name, library.url) == ("ddlib", line)
    assert (study.name, study.url) == ("ddbook", f"{line}#subdirectory=ddbook")


def test_what_a_chapter_imports_is_what_colab_installs() -> None:
    library, study = (
        tomllib.loads((fake.PROJECT / folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        for folder in ("", "ddbook")
    )
    assert "ddlib[all]" in study["dependencies"]
    extras = [library["optional-dependencies"][name] for name in ("data", "deepxde", "formats", "merge", "nevergrad", "pgmpy")]
    listed = [*library["dependencies"], *study["dependencies"], *(text for extra in extras for text in extra)]
    declared = {Requirement(text).name.lower() for text in listed} | {"ipython"}  # every kernel has that
    distributions = importlib.metadata.packages_distributions()
    for name in sorted(third_party(*chapters(NOTEBOOKS))):
        assert {found.lower() for found in distributions[name]} & declared, f"a chapter imports {name}: ddbook depends on it"


def third_party(*notebooks: Path) -> set[str]:
    """The packages that notebooks import, by way of ddlib and ddbook too, at the top of a file or in a function."""
    waiting = [name for notebook in notebooks for name in imported(code(notebook))]
    only_in_a_clone = ("parameters.py", "kept.py")  # loaded beside a reference, and under `ddbook run`
    seen = {str(fake.PROJECT / "ddbook" / "press" / name) for name in only_in_a_clone}
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        first = name.partition(".")[0]
        if first not in ("ddlib", "ddbook"):
            found |= {first}
            continue
        path = fake.PROJECT.joinpath(*name.split("."))
        parts = name.split(".")
        parents = [fake.PROJECT.joinpath(*parts[:depth], "__init__.py") for depth in range(1, len(parts) + 1)]
        for file in [path.with_suffix(".py"), *parents]:
            if file.exists() and str(file) not in seen:
                seen.add(str(file))
                waiting += imported(file.read_text(encoding="utf-8"))
    reached = ("ddbook/press/record.py", "ddlib/dbn/likelihood/observed.py", "ddlib/methods/derivative_free.py")
    assert {str(fake.PROJECT / path) for path in reached} <= seen
    return found - sys.stdlib_module_names


def code(notebook: Path) -> str:
    return "\n".join(cell.source for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == "code")


def imported(source: str) -> list[str]:
    names: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [
                node.module,
                *(f"{node.module}.{alias.name}" for alias in node.names if node.module.startswith(("ddlib", "ddbook"))),
            ]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "needed":
            names += [argument.value for argument in node.args[:1] if isinstance(argument, ast.Constant)]
    return names


def test_the_page_has_the_lines_for_its_own_repository(tmp_path: Path) -> None:
    root = fake.make_root(tmp_path)
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    subprocess.run(["git", "remote", "add", "origin", "git@github.com:Someone/fork.git"], cwd=root, check=True)
    tree = stage(fake.PROFILE, root)
    last = nbformat.read(tree / "notebooks" / f"{STEM}.ipynb", as_version=4).cells[-1].source
    assert '%pip install "ddlib @ git+https://github.com/Someone/fork"' in last
    assert "```python\npenalties = [0.1, 1.0]\n```" in last
    guide = (tree / "book" / "reexecute.md").read_text(encoding="utf-8")
    assert "https://someone.github.io/fork/download/" in guide
    assert "ddlib.github.io" not in guide


@pytest.mark.parametrize(
    ("repository", "address"),
    [
        ("https://github.com/ddlib/ddlib", "https://ddlib.github.io/ddlib/"),
        ("https://github.com/Some-One/Fork.x", "https://some-one.github.io/Fork.x/"),
        ("https://github.com/Some-One/some-one.github.io/", "https://some-one.github.io/"),
    ],
)
def test_the_address_of_the_published_book_follows_from_the_repository_s(repository: str, address: str) -> None:
    assert pages_address(repository) == address


def test_the_buttons_open_the_committed_notebook(tiny_book: Path) -> None:
    config = yaml.safe_load((fake.PROJECT / "_config.yml").read_text(encoding="utf-8"))["repository"]
    owner = config["url"].removeprefix("https://github.com/")
    for notebook in chapters(NOTEBOOKS):
        page = BeautifulSoup((tiny_book / "notebooks" / f"{notebook.stem}.html").read_bytes(), "html.parser")
        links = {str(tag["href"]) for tag in page.select("a[href]")}
        path = f"notebooks/{notebook.name}"
        assert f"https://mybinder.org/v2/gh/{owner}/{config['branch']}?urlpath=lab/tree/{path}" in links
        assert f"https://colab.research.google.com/github/{owner}/blob/{config['branch']}/{path}" in links


def test_binder_gets_the_tested_versions_without_cuda() -> None:
    environment = yaml.safe_load((fake.PROJECT / "environment.yml").read_text(encoding="utf-8"))
    (pip,) = [part["pip"] for part in environment["dependencies"] if isinstance(part, dict)]
    assert pip == ["--extra-index-url https://download.pytorch.org/whl/cpu", "-r requirements.lock", "-e .", "-e ./ddbook"]
    assert "python=3.11" in environment["dependencies"]  # what the lock file was made with
