"""The parts of the book that are made from records: provenance, status and profiles."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ddbook.press.inputs import NOT_AVAILABLE
from ddbook.press.parameters import Parameter
from ddbook.press.private import is_private
from ddbook.press.provenance import Accepted, Git, Kept, Run


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


def provenance(stem: str, run: Run, again: str, downloads: Iterable[str], remarks: Sequence[str] = ()) -> str:
    """The record at the end of a chapter, as a closed box: what computed the page, and how to do it again.

    Args:
        stem: the notebook.
        run: its run.
        again: how to do it again, in Markdown.
        downloads: files to link to, relative to the chapter's staged folder.
        remarks: what is to be said of this run and the reference.
    """
    said = "".join(f"- {_literal(remark)}\n" for remark in remarks)
    reference = f"This run and the reference under its figures:\n\n{said}\n" if said else ""
    parameters = table(("Parameter", "Value"), ((code(name), code(value)) for name, value in run.parameters.items()))
    files = "\n".join(f"- {{download}}`{label} </runs/{stem}/{name}>`" for label, name in _labelled(stem, downloads))
    return f"""::::{{dropdown}} How this page was computed
:class-container: ddlib-provenance
:animate: fade-in

{table(("What", "Value"), _facts(run))}

{parameters}

{reference}{again}

{files}
::::
"""


def _literal(text: str) -> str:
    """Text in which Markdown finds nothing to do."""
    return re.sub(r"([\\`*_{}\[\]<>$|#~])", r"\\\1", text)


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
        *([("Key", f"`{run.key[:12]}`")] if run.key else []),
        ("Computed on", hardware(run)),
        ("Started", run.started),
        ("Time", took(run)),
        *([("Kept", kept(run))] if _replayed(run) else []),
        *([("Read", _read(run))] if run.inputs else []),
        ("Peak memory", memory(run)),
        *(("Accepted", accepted(change)) for change in run.accepted),
        ("Versions", ", ".join(f"{name} {version}" for name, version in run.versions.items())),
    ]


def _read(run: Run) -> str:
    """The inputs of a run, and which it looked for in vain."""
    return ", ".join(code(name) + (" (not there)" if found == NOT_AVAILABLE else "") for name, found in run.inputs.items())


def kept(run: Run) -> str:
    """Which of a run's long computations an earlier run had made, and when; empty if it made all itself."""
    earlier = _replayed(run)
    if not earlier:
        return ""
    days = sorted({computation.computed[:10] for computation in earlier})
    when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    were = "was" if len(earlier) == 1 else "were"
    return f"{len(earlier)} of {len(run.kept)} computations, {duration(_earlier_seconds(run))}, {were} kept from {when}"


def accepted(change: Accepted) -> str:
    """Why the results stand although the code has changed since."""
    names = ", ".join(code(name) for name in change.changed) or "nothing that is named"
    same = f"{change.files} file{'s' * (change.files != 1)} of results"
    apart = f"; not compared, because they differ each time: {', '.join(change.apart)}" if change.apart else ""
    compared = f"{same} the same before and after, at two replicates{apart}"
    return f"on {change.when[:10]}, although {names} had changed: {change.why} ({compared})"


def _replayed(run: Run) -> list[Kept]:
    return [computation for computation in run.kept if computation.replayed]


def _earlier_seconds(run: Run) -> float:
    return sum(computation.seconds for computation in _replayed(run))


def seconds(run: Run) -> float:
    """How long a run takes that computes everything itself."""
    return run.wall_seconds + _earlier_seconds(run)


def took(run: Run) -> str:
    """The time of a run, and that of what it did not compute again."""
    earlier = f", and {duration(_earlier_seconds(run))} kept" if _replayed(run) else ""
    return duration(run.wall_seconds) + earlier


def peak(run: Run) -> int:
    """The most memory, in bytes, that a run holds at once if it computes everything itself."""
    return max([run.peak_memory_bytes, *(computation.peak_memory_bytes for computation in _replayed(run))])


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
    return f"{peak(run) / 2**30:.2f} GiB{gpu}"


def duration(seconds: float) -> str:
    """A time as a person says it."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"


def by_hand(runs: Mapping[str, Run], plan: Mapping[str, Mapping[str, Any]]) -> str:
    """A paragraph that names each parameter whose value in a run is not that of its profile; empty if there is none.

    Args:
        runs: the records, by chapter.
        plan: what the profile gives each chapter; a chapter that it does not have cannot differ from it.
    """
    given = [
        f"`{stem}.{name} = {value!r}`"
        for stem, run in runs.items()
        for name, value in run.parameters.items()
        if name in plan.get(stem, {}) and plan[stem][name] != value
    ]
    return f"Given by hand: {', '.join(given)}. All else is as in the profile.\n\n" if given else ""


def status(runs: Mapping[str, Run], given: str = "") -> str:
    """The tables of the status page.

    Args:
        runs: the records, by chapter.
        given: the paragraph on what was given by hand.
    """
    rows = [
        (
            f"{{doc}}`/notebooks/{stem}`",
            run.profile or "none",
            took(run),
            memory(run),
            commit(run.git),
        )
        for stem, run in runs.items()
    ]
    remarks = [f"- {{doc}}`/notebooks/{stem}`: {kept(run)}." for stem, run in runs.items() if kept(run)]
    remarks += [
        f"- {{doc}}`/notebooks/{stem}` was accepted {accepted(change)}." for stem, run in runs.items() for change in run.accepted
    ]
    used: dict[str, set[str]] = {}
    for run in runs.values():
        for name, version in run.versions.items():
            used.setdefault(name, set()).add(version)
    versions = [(name, ", ".join(sorted(found))) for name, found in sorted(used.items(), key=lambda item: item[0].lower())]
    return "\n\n".join(
        [
            *([given.strip()] if given else []),
            "## Chapters",
            table(("Chapter", "Profile", "Time", "Peak memory", "Code"), rows),
            f"All chapters together take {duration(sum(map(seconds, runs.values())))} of computing.",
            *(["\n".join(remarks)] if remarks else []),
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
            rows.append((code(key), parameter.meaning, parameter.wanted, *shown))
        blocks.append(f"{{doc}}`/notebooks/{stem}`\n\n{table(('Parameter', 'Meaning', 'What it may be', *names), rows)}")
    return "\n\n".join([*blocks, "A value in bold differs from the one in the notebook's own first cell."])
