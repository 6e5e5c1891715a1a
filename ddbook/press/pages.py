"""The parts of the book that are made from records: provenance, status, profiles, the first page's figure, the library's pages."""

from __future__ import annotations

import base64
import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from typing import Any

import nbformat
from bs4 import BeautifulSoup

from ddbook.press.parameters import Parameter
from ddbook.press.private import is_private
from ddbook.press.provenance import Git, Run

# in the order of imports, as a reader meets them; others follow by name
PARTS = [
    "problem",
    "requirement",
    "closed_forms",
    "learners",
    "methods",
    "tasks",
    "lens",
    "trial",
    "settings",
    "statistics",
    "dbn",
    "pinn",
    "merge",
    "datasets",
]

UNLISTED = {"cli", "console", "extras", "progress"}  # the command, which `ddlib --help` explains, and how it speaks


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table."""
    lines: list[list[object]] = [list(head), *(list(row) for row in rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join("| " + " | ".join(_cell(value) for value in line) + " |" for line in lines)


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")


def code(value: object) -> str:
    """A value as code, in the notation of the parameters cell."""
    return f"`{value if isinstance(value, str) and value else repr(value)}`"


def provenance(stem: str, run: Run, again: str, downloads: Iterable[str]) -> str:
    """The record at the end of a chapter, as a closed box: what computed the page, and how to do it again.

    Args:
        stem: the notebook.
        run: its run.
        again: how to do it again, in Markdown.
        downloads: files to link to, relative to the chapter's staged folder.
    """
    parameters = table(("Parameter", "Value"), ((code(name), code(value)) for name, value in run.parameters.items()))
    files = "\n".join(f"- {{download}}`{label} </runs/{stem}/{name}>`" for label, name in _labelled(stem, downloads))
    return f"""::::{{dropdown}} How this page was computed
:class-container: ddlib-provenance
:animate: fade-in

{table(("What", "Value"), _facts(run))}

{parameters}

{again}

{files}
::::
"""


def _labelled(stem: str, downloads: Iterable[str]) -> list[tuple[str, str]]:
    """The files that a record links to, notebooks first, with what they are; none that is private."""
    named = {
        f"{stem}.ipynb": "Notebook, as in the repository",
        f"{stem}.executed.ipynb": "Notebook, as executed for this page",
        "run.json": "Full record of the run",
        "results/numbers.json": "Numbers quoted in the text",
    }
    listed = [name for name in downloads if not any(map(is_private, name.split("/")))]
    first = [(label, name) for name, label in named.items() if name in listed]
    return first + [(f"Table {name.removeprefix('results/')}", name) for name in listed if name not in named]


def _facts(run: Run) -> list[tuple[str, str]]:
    """What a reader wants to know of a run first."""
    return [
        ("Profile", code(run.profile) if run.profile else "none"),
        ("Seeds", ", ".join(map(str, run.seeds)) or "none"),
        ("Code", f"ddlib {run.ddlib_version}, {commit(run.git)}"),
        ("Computed on", hardware(run)),
        ("Started", run.started),
        ("Wall time", duration(run.wall_seconds)),
        ("Peak memory", memory(run)),
        ("Versions", ", ".join(f"{name} {version}" for name, version in run.versions.items())),
    ]


def commit(git: Git) -> str:
    """The version of the code, marked where files differed from it."""
    if not git.sha:
        return "not under version control"
    return f"commit `{git.sha[:12]}`" + (" [with uncommitted changes]{.ddlib-dirty}" if git.dirty else "")


def hardware(run: Run) -> str:
    """Processor, memory and accelerator in words."""
    machine = run.hardware
    gpu = f"{machine.gpu} (driver {machine.driver}, CUDA {machine.cuda})" if machine.gpu else "no GPU"
    return f"{machine.cpu}, {machine.memory_bytes / 2**30:.0f} GiB of memory, {gpu}, {machine.os}"


def memory(run: Run) -> str:
    """The most memory that a run held at once, on the GPU too if it used one."""
    gpu = f", {run.peak_gpu_memory_bytes / 2**30:.2f} GiB on the GPU" if run.peak_gpu_memory_bytes is not None else ""
    return f"{run.peak_memory_bytes / 2**30:.2f} GiB{gpu}"


def duration(seconds: float) -> str:
    """A time as a person says it."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"


def status(runs: Mapping[str, Run]) -> str:
    """The tables of the status page."""
    rows = [
        (
            f"{{doc}}`/notebooks/{stem}`",
            code(run.profile) if run.profile else "none",
            duration(run.wall_seconds),
            memory(run),
            commit(run.git),
        )
        for stem, run in runs.items()
    ]
    used: dict[str, set[str]] = {}
    for run in runs.values():
        for name, version in run.versions.items():
            used.setdefault(name, set()).add(version)
    versions = [(name, ", ".join(sorted(found))) for name, found in sorted(used.items(), key=lambda item: item[0].lower())]
    return "\n\n".join(
        [
            "## Chapters",
            table(("Chapter", "Profile", "Wall time", "Peak memory", "Code"), rows),
            f"All chapters together took {duration(sum(run.wall_seconds for run in runs.values()))} of computing.",
            "## Machine",
            "\n".join(f"- {machine}" for machine in sorted({hardware(run) for run in runs.values()})),
            "## Versions",
            table(("Package", "Version"), versions),
        ]
    )


def profiles(schemas: Mapping[str, Mapping[str, Parameter]], plans: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """What each chapter's parameters mean, and their values in each profile; one that differs from the notebook's own is bold."""
    by_size = ["smoke", "laptop", "paper"]
    names = [name for name in by_size if name in plans] + sorted(set(plans) - set(by_size))
    blocks = []
    for stem, schema in schemas.items():
        rows = []
        for key, parameter in schema.items():
            values = [plans[name][stem][key] for name in names]
            shown = [code(value) if value == parameter.default else f"**{code(value)}**" for value in values]
            rows.append((code(key), parameter.meaning, *shown))
        blocks.append(f"{{doc}}`/notebooks/{stem}`\n\n{table(('Parameter', 'Meaning', *names), rows)}")
    return "\n\n".join([*blocks, "A value in bold differs from the one in the notebook's own first cell."])


def drawn_figure(notebook: nbformat.NotebookNode, svg: bytes) -> str:
    """The figure of an executed notebook, with its alternative text and caption, that shows the given file; empty if none does."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            for figure in BeautifulSoup(output.get("data", {}).get("text/html", ""), "html.parser").select("figure.ddlib-figure"):
                addresses = [str(picture["src"]) for picture in figure.select("img[src^='data:']")]
                if any(base64.b64decode(address.partition(",")[2]) == svg for address in addresses):
                    return str(figure)
    return ""


def landing(stem: str, figure: str) -> str:
    """A chapter's figure on the first page."""
    return f"A first result, from the chapter {{doc}}`/notebooks/{stem}`:\n\n```{{raw}} html\n{figure}\n```\n"


def library_parts() -> dict[str, list[str]]:
    """The parts of ``ddlib`` that there are, in the order of imports, each with the packages inside it."""
    modules = pkgutil.iter_modules(importlib.import_module("ddlib").__path__)
    present = {module.name for module in modules if module.name not in UNLISTED}
    ordered = [part for part in PARTS if part in present] + sorted(present - set(PARTS))
    return {part: [f"{part}.{module.name}" for module in _inside(part) if module.ispkg] for part in ordered}


def _inside(part: str) -> list[pkgutil.ModuleInfo]:
    """The public modules and packages in a part; none in a part that is a single file."""
    package = importlib.import_module(f"ddlib.{part}")
    return [module for module in pkgutil.iter_modules(getattr(package, "__path__", [])) if module.name not in UNLISTED]


def file_name(part: str) -> str:
    """The name of a part's page without its suffix: a dot in it would be read as a suffix."""
    return part.replace(".", "_")


def library_page(part: str) -> str:
    """The reference of one part: its own documentation, what to import from it, then one section for each public module in it.

    Packages in it have pages of their own, to which it links.
    """
    package = importlib.import_module(f"ddlib.{part}")
    inner = [module.name for module in _inside(part) if not module.ispkg]
    blocks = [f"# `ddlib.{part}`", _automodule(f"ddlib.{part}")]
    packages = [f"{part}.{module.name}" for module in _inside(part) if module.ispkg]
    pages = [f"{{doc}}`ddlib.{name} <{file_name(name)}>`" for name in packages]
    if pages:
        blocks.append(f"With pages of their own: {', '.join(pages)}.")
    offered = [getattr(package, name) for name in getattr(package, "__all__", [])] if inner else []
    links = [f"{{py:obj}}`~{thing.__module__}.{thing.__qualname__}`" for thing in offered if hasattr(thing, "__qualname__")]
    if links:
        blocks.append(f"To be imported from `ddlib.{part}`: {', '.join(links)}.")
    for name in inner:
        blocks += [f"## `{part}.{name}`", _automodule(f"ddlib.{part}.{name}")]
    return "\n\n".join(blocks)


def _automodule(name: str) -> str:
    """Each object once, on the page of the module that defines it: a package lists what it offers as links."""
    return f"```{{eval-rst}}\n.. automodule:: {name}\n   :members:\n   :ignore-module-all:\n```"
