"""The command ``ddbook``: run, sweep, judge and print the study."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from ddbook.press import reproduction
from ddbook.press.engine import words
from ddbook.press.project import project_root
from ddlib.console import EXIT, say, show
from ddlib.files import InputError

app = typer.Typer(
    help="Run the notebooks of the study with checked parameters, once or over a grid, judge its claims, and build the book.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
NotebookPath = Annotated[Path, typer.Argument(help="The notebook, for example notebooks/01_one_dataset_many_tasks.ipynb.")]
Profile = Annotated[str | None, typer.Option(help="Parameters from notebooks/profiles/<name>.yml: smoke, laptop or paper.")]


@app.command("run")
def run_notebook(
    notebook: NotebookPath,
    profile: Profile = None,
    parameter: Annotated[list[str] | None, typer.Option("--parameter", "-p", help="name=value; may be given many times.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the run [default: _build/<profile or manual>/runs/<name>].")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a finished run, once the new one has finished.")] = False,
    timeout: Annotated[float | None, typer.Option(help="Seconds for the whole run.")] = None,
    anew: Annotated[bool, typer.Option("--anew", help="Compute everything, also what earlier runs have kept.")] = False,
) -> None:
    """Run one notebook. Exit status: 0 finished, 1 failed, 2 wrong input, 124 timeout, 130 interrupted."""
    from ddbook.press.parameters import split_assignments
    from ddbook.press.run import message, run

    record = run(notebook, out, profile, split_assignments(parameter or []), force, timeout, say=say, anew=anew)
    say(message(record), error=record.state != "ok")
    raise typer.Exit(EXIT[record.state])


GRID_HELP = (
    "name=1,2,5, or name=0..9 for whole numbers; for a list, a value is a list of one, or write name=[1,2],[5]. May be given many "
    "times: all combinations are run."
)


@app.command("sweep")
def sweep_notebook(
    notebook: NotebookPath,
    grid: Annotated[list[str] | None, typer.Option(help=GRID_HELP)] = None,
    profile: Profile = None,
    parameter: Annotated[list[str] | None, typer.Option("--parameter", "-p", help="name=value, in all runs.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the sweep [default: _build/sweeps/<name>-<profile>].")] = None,
    executor: Annotated[str, typer.Option(help="local, slurm, or another executor plugin of Snakemake.")] = "local",
    cores: Annotated[int | None, typer.Option(help="Runs side by side on this machine [default: its cores].")] = None,
    jobs: Annotated[int | None, typer.Option(help="Jobs in the queue of another executor [default: 100].")] = None,
    snakemake: Annotated[str, typer.Option(help="More options for Snakemake, e.g. --default-resources slurm_partition=main.")] = "",
) -> None:
    """Run one notebook over a grid of parameters and collect the results into one table each.

    The same command goes on after anything: runs that have finished are kept, a larger grid adds runs. Exit status: 0 all runs have
    finished, 1 some have not, 2 wrong input, 130 interrupted.
    """
    from ddbook.press.executors import Executor
    from ddbook.press.parameters import split_assignments
    from ddbook.press.sweep import plan_sweep, report, run_sweep
    from ddlib.progress import Bar

    local = executor == "local"
    if (jobs if local else cores) is not None:
        raise InputError(
            f"{'--jobs' if local else '--cores'} is not for the executor {executor}: {'--cores' if local else '--jobs'} is"
        )
    width = cores if local else jobs
    default = (os.cpu_count() or 1) if local else 100
    chosen = Executor(executor, default if width is None else width, words(snakemake))
    sweep = plan_sweep(notebook, grid or [], profile, split_assignments(parameter or []), out)
    try:
        with Bar("planning", lines=True) as bar:
            outcome = run_sweep(sweep, chosen, say, bar.show)
    except KeyboardInterrupt:
        say("Interrupted; the same command goes on.", error=True)
        raise typer.Exit(EXIT["interrupted"]) from None
    good = outcome.finished == len(sweep.runs)
    say(report(sweep, outcome), error=not good)
    raise typer.Exit(0 if good else outcome.status if outcome.status == EXIT["interrupted"] else 1)


@app.command()
def parameters(notebook: NotebookPath) -> None:
    """Show the parameters of a notebook: name, default, what a value must be, meaning."""
    from ddbook.press.parameters import read_schema

    table = Table(box=None)
    for head in ("name", "default", "must be", "meaning"):
        table.add_column(head, overflow="fold")
    for item in read_schema(notebook).values():
        table.add_row(*(text.replace("[", r"\[") for text in (item.name, repr(item.default), item.wanted, item.meaning)))
    show(table)


@app.command()
def book(
    profile: Annotated[str, typer.Option(help="smoke, laptop or paper.")] = "laptop",
    cores: Annotated[int, typer.Option(help="Chapters that run side by side.")] = os.cpu_count() or 1,
    parameters: Annotated[str, typer.Option(help="chapter.name=value words that go before the profile's.")] = "",
    snakemake: Annotated[str, typer.Option(help="More options for Snakemake, e.g. of a cluster's executor plugin.")] = "",
    only: Annotated[list[str] | None, typer.Option(help="Run this chapter only, e.g. 06; may be given many times.")] = None,
) -> None:
    """Run every chapter that is not fresh, then build the book. The last line is its address.

    With --only, other chapters are not run: where one of them is not fresh, the book is a draft that says so on its page, and the
    published book stays as it is.
    """
    from ddbook.press.chapter import BookError
    from ddbook.press.workflow import BuildError, build_book, split_parameters

    try:
        page = build_book(project_root(), profile, cores, split_parameters(parameters), words(snakemake), only or [])
    except (BuildError, BookError) as error:
        say(str(error), error=True)
        raise typer.Exit(1) from None
    if page:
        say(page.as_uri())


@app.command()
def render(profile: Annotated[str, typer.Option(help="smoke, laptop or paper.")] = "laptop") -> None:
    """Build the book from runs that have finished, without running anything."""
    from ddbook.press.book import BookError, build

    try:
        build(profile, project_root(), say)
    except BookError as error:
        say(str(error), error=True)
        raise typer.Exit(1) from None


@app.command()
def status(profile: Annotated[str, typer.Option(help="smoke, laptop or paper.")] = "laptop") -> None:
    """Show for each chapter whether its run is fresh, what has changed since, and how long it took; runs nothing."""
    from ddbook.press.standing import lines

    table = Table("chapter", "state", "took", "why", box=None)
    for line in lines(project_root(), profile):
        table.add_row(line.chapter, line.state, line.took, line.why.replace("[", r"\["))
    show(table)


@app.command("accept")
def accept_change(
    chapter: Annotated[str, typer.Argument(help="The chapter, e.g. 06_how_far_from_the_limit.")],
    why: Annotated[str, typer.Option(help="Why the change cannot move a result; it stands on the page.")],
    profile: Annotated[
        str, typer.Option(help="Whose run: smoke, laptop, paper, or reference for the committed results.")
    ] = "laptop",
) -> None:
    """Keep a chapter's results after a change of code that cannot move them.

    The code before and after the change is run, with the smoke profile and with the chapter's own at two replicates, and both must
    give the same. Exit status: 0 accepted, 2 not, and why.
    """
    from ddbook.press.accept import accept

    accepted = accept(project_root(), chapter, profile, why, say=say)
    say(f"{chapter} of {profile} is fresh again: {accepted.files} files were the same with the code before and after")
    if accepted.apart:
        say(f"Not compared, because they differ each time: {', '.join(accepted.apart)}")


@app.command("archive")
def archive_book(profile: Annotated[str, typer.Option(help="smoke, laptop or paper.")] = "laptop") -> None:
    """Pack the finished book into one file to download, with its checksum beside it. The last line is its path."""
    from ddbook.press.archive import archive

    say(str(archive(profile, project_root())))


@app.command("links")
def follow_links(profile: Annotated[str, typer.Option(help="smoke, laptop or paper.")] = "laptop") -> None:
    """Follow the finished book's links to other sites. Exit status: 0 all good, 1 one is broken, 2 there is no book."""
    from ddbook.press.book import BookError
    from ddbook.press.links import follow

    try:
        found = follow(profile, project_root())
    except BookError as error:
        say(str(error), error=True)
        raise typer.Exit(1) from None
    for complaint in found.broken:
        say(complaint, error=True)
    say(f"Links to other sites: {len(found.good)} good, {len(found.broken)} broken, {len(found.skipped)} not followed")
    raise typer.Exit(EXIT["failed"] if found.broken else EXIT["ok"])


app.command("claims")(reproduction.judge_claims)
app.command("reference")(reproduction.make_reference)
app.command("repeat")(reproduction.run_again)
