"""A small project: the real pages and configuration of the book, with short invented runs in place of the chapters' own."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from ddbook.press import book
from ddbook.press.machine import Hardware
from ddbook.press.provenance import Git, Run
from ddbook.press.run import checksums
from tests import ROOT

PROJECT = ROOT
PROFILE = "tiny"
CHAPTERS = {
    "01_one_dataset_many_tasks": "One dataset, many tasks",
    "02_what_methods_optimise": "What methods really optimise",
    "03_digits": "Digits",
    "04_merge_hospitals": "Merging hospitals",
    "05_merge_as_published": "The merge as published",
    "06_how_far_from_the_limit": "How far from the limit",
    "07_real_hospitals": "Real hospitals",
    "08_merge_your_data": "Merge your own tables",
    "09_two_tails": "Two tails",
    "10_pinn_as_published": "The PINN table, as published",
    "11_opposite_tails": "Opposite tails",
    "12_physical_faithfulness": "What physical faithfulness costs",
}
SVG = """<svg xmlns="http://www.w3.org/2000/svg" width="700" height="380" viewBox="0 0 700 380">
<rect width="700" height="380" fill="white"/>
<path d="M40 340 L240 180 L440 120 L660 60" fill="none" stroke="#1d5b7f" stroke-width="3"/></svg>"""
NOTICE = '<div class="admonition warning"><p class="admonition-title">Not here</p><p>A part was not run.</p></div>'
PARAMETERS = """n_seeds: int = 3  # repetitions
penalties: list[float] = [0.1, 1.0, 10.0]  # ridge penalties, from weak to strong
title: str = "a|b"  # an awkward text"""
NUMBERS = {
    "regret_ipc20": {"value": 0.0123, "low": 0.0104, "high": 0.0141, "n": 10, "unit": "nats per trajectory"},
    "exact_error": {"value": 2.1e-13, "low": 1e-14, "high": 4e-13, "n": 10, "unit": ""},
    "test_ll": {"value": -34686.2, "low": -34700.5, "high": -34650.1, "n": 10, "unit": "nats"},
    "missing": {"value": None, "low": None, "high": None, "n": 0, "unit": ""},
}


def record(stem: str) -> Run:
    """The record of an invented run."""
    return Run(
        state="ok",
        notebook=f"notebooks/{stem}.ipynb",
        profile=PROFILE,
        parameters={"n_seeds": 3, "penalties": [0.1, 1.0], "title": "a|b"},
        seeds=[0, 1, 2],
        command=f"ddbook run notebooks/{stem}.ipynb --profile {PROFILE}",
        git=Git(sha="0123456789abcdef0123456789abcdef01234567", dirty=True),
        key="0123456789ab" + 52 * "0",
        cells="",
        code={},
        ddlib_version="0.1.0",
        code_sha256="",
        notebook_sha256="",
        versions={"python": "3.11.2", "torch": "2.13.0"},
        hardware=Hardware(
            cpu="An invented processor, 2 cores", cores=2, memory_bytes=8 * 2**30, gpu=None, driver=None, cuda=None, os="Linux"
        ),
        environment={},
        started="2026-01-01T12:00:00+00:00",
        wall_seconds=83.2,
        peak_memory_bytes=512 * 2**20,
    )


def figure(alt: str, number: str = "1") -> str:
    """A figure as the chapters show it."""
    data = base64.b64encode(SVG.encode()).decode()
    return (
        f'<figure class="ddlib-figure" id="figure-regret"><img src="data:image/svg+xml;base64,{data}" alt="{alt}">'
        f'<figcaption class="tex2jax_process mathjax_process"><span class="ddlib-number">Figure {number}.</span> '
        "The regret $R_\\tau(S)$ against the budget $m$.</figcaption>"
        "</figure>"
    )


def notebook(stem: str, *, executed: bool, text: str = "") -> nbformat.NotebookNode:
    """A chapter with a heading, a wide equation, a wide table, a number, a figure and a long line of code."""
    name = stem.partition("_")[2]
    prose = f"""# {CHAPTERS.get(stem, stem)}

This invented chapter stands in for the real one; its regret is {{res}}`{name}.regret_ipc20:.3f:interval,unit`.
It is drawn in [](#figure-regret) and in [](04_merge_hospitals.ipynb#figure-regret), defined in
[words and notation](../book/notation.md) as {{term}}`regret`, and bounded by
{{eq}}`fake-{name.replace("_", "-")}`.

$$R_\\tau(S) = \\mathbb{{E}}_\\xi\\, \\mathbb{{E}}_{{z \\sim Q}}\\, \\ell\\bigl(A(S, \\xi);\\, z\\bigr)
 + \\sum_{{i=1}}^n a_i b_i c_i d_i e_i f_i g_i
 + \\sum_{{i=1}}^n a_i b_i c_i d_i e_i f_i g_i + \\int_0^1 f(x)\\, dx$$ (fake-{name.replace("_", "-")})

| a | rather wide table | whose columns | do not fit | on a telephone | held upright |
|---|---|---|---|---|---|
| 0.123456789 | 0.123456789 | 0.123456789 | 0.123456789 | 0.123456789 | 0.123456789 |

{text}"""
    show = new_output(
        "display_data", data={"text/html": figure(f"A rising line, for {name}", f"{int(stem[:2])}.1"), "text/plain": "<figure>"}
    )
    said = new_output("display_data", data={"text/html": NOTICE, "text/plain": "<notice>"})
    cells = [
        new_markdown_cell(prose),
        new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]}),
        new_code_cell(
            "figure = draw(a_very_long_argument_name=1, another_very_long_argument_name=2, yet_another_very_long_argument_name=3)",
            outputs=[show, said] if executed else [],
            execution_count=1 if executed else None,
        ),
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}})


def make_root(root: Path, text: str = "") -> Path:
    """Writes the small project into a folder; ``text`` is added to the first chapter."""
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PROJECT / "book", root / "book", ignore=ignore)
    shutil.copyfile(PROJECT / "_config.yml", root / "_config.yml")
    profiles = root / "notebooks" / "profiles"
    profiles.mkdir(parents=True)
    for number, stem in enumerate(CHAPTERS):
        added = text if number == 0 else ""
        nbformat.write(notebook(stem, executed=False, text=added), root / "notebooks" / f"{stem}.ipynb")
        make_run(root / "_build" / PROFILE / "runs" / stem, stem, added)
    (profiles / "smoke.yml").write_text("01_one_dataset_many_tasks: {n_seeds: 1}\n", encoding="utf-8")
    (profiles / "paper.yml").write_text("01_one_dataset_many_tasks: {n_seeds: 10, penalties: [0.1, 1.0]}\n", encoding="utf-8")
    (profiles / "laptop.yml").write_text("", encoding="utf-8")
    return root


def without_library(root: Path) -> Path:
    """Takes the pages of the library out of a project: they take most of a build."""
    toc, entry = root / "book" / "_toc.yml", "      - file: book/api\n"
    text = toc.read_text(encoding="utf-8")
    assert entry in text
    toc.write_text(text.replace(entry, ""), encoding="utf-8")
    (root / "book" / "api.md").unlink()
    return root


def make_run(folder: Path, stem: str, text: str = "") -> None:
    """Writes one finished run."""
    (folder / "results").mkdir(parents=True)
    (folder / "figures").mkdir()
    nbformat.write(notebook(stem, executed=True, text=text), folder / "notebook.ipynb")
    (folder / "results" / "numbers.json").write_text(json.dumps(NUMBERS), encoding="utf-8")
    (folder / "results" / "regret.csv").write_text("method,budget,seed,regret\nexact,1,0,0.0\n", encoding="utf-8")
    (folder / "figures" / "cross_task_regret.svg").write_text(SVG, encoding="utf-8")
    settle(folder, record(stem))


def settle(folder: Path, run: Run) -> None:
    """Writes the record of an invented run for the files that lie in its folder."""
    run.model_copy(update={"results": checksums(folder)}).write(folder / "run.json")


def build(profile: str, root: Path, say: Callable[[str], None] = lambda _: None) -> Path:
    """Builds the book of an invented project; its runs are of no code, so whether only fresh ones are shown is tested elsewhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(book, "Today", lambda root, profile: None)
        patch.setattr(book, "require_fresh", lambda today, stems, good: {})
        return book.build(profile, root, say)
