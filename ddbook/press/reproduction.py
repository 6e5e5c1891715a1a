"""The commands about claims, the reference and repetition."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from ddbook.press.engine import words
from ddbook.press.project import project_root
from ddlib.console import EXIT, say, show
from ddlib.files import InputError


def judge_claims(
    profile: Annotated[str | None, typer.Option(help="Whose run is judged: smoke, laptop or paper [default: laptop].")] = None,
    reference: Annotated[bool, typer.Option("--reference", help="Judge the committed reference instead of a run.")] = False,
    against: Annotated[str | None, typer.Option(help="Also compare the numbers: `reference`, or another profile.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
    record: Annotated[
        bool, typer.Option("--record", help="Put these verdicts on record, to be compared with from now on.")
    ] = False,
) -> None:
    """The verdict on every claim of book/claims.yml, from the numbers of a run.

    Exit status: 0 as on record or better, 1 a verdict is worse than the one in reference/claims.json, 2 wrong input.
    """
    from ddbook.press.claims.command import claims_report
    from ddbook.press.project import REFERENCE

    if reference and profile:
        raise InputError("--reference judges the committed reference, not a run: drop it, or --profile")
    report = claims_report(project_root(), REFERENCE if reference else profile or "laptop", against, record)
    if json:
        say(report.as_json())
    else:
        say(report.verdicts())
        if report.compared:
            show("", report.comparison())
        say(f"\n{report.summary()}")
    if not report.on_record:
        say(f"No verdicts of {report.profile} are on record to compare with: --record writes them down.", error=True)
    if report.by_hand:
        say(f"Parameters were given by hand: {report.by_hand}.", error=True)
    for chapter, mark in report.older.items():
        say(f"The reference of {chapter} is {mark}.", error=True)
    for complaint in report.worse:
        say(complaint, error=True)
    raise typer.Exit(EXIT["failed"] if report.worse else EXIT["ok"])


def make_reference(
    profile: Annotated[str, typer.Option(help="The profile that is the reference.")] = "paper",
    cores: Annotated[int, typer.Option(help="Chapters that run side by side.")] = os.cpu_count() or 1,
    parameters: Annotated[str, typer.Option(help="Only devices, e.g. 09_two_tails.device=cuda.")] = "",
    snakemake: Annotated[str, typer.Option(help="More options for Snakemake.")] = "",
    only: Annotated[
        list[str] | None, typer.Option(help="This chapter only, e.g. 06_how_far_from_the_limit; may be given many times.")
    ] = None,
    collect_only: Annotated[bool, typer.Option("--collect-only", help="Run nothing: take the runs that have finished.")] = False,
) -> None:
    """Run the chapters at the published scale where that is missing, and copy what they recorded to the folder reference."""
    from ddbook.press.reference import check, collect
    from ddbook.press.workflow import BuildError, run_chapters, split_parameters

    try:
        if not collect_only:
            given = split_parameters(parameters)
            check(project_root(), given)
            run_chapters(project_root(), profile, cores, given, words(snakemake), only or [])
    except BuildError as error:
        say(str(error), error=True)
        raise typer.Exit(1) from None
    say(str(collect(project_root(), profile, only or [])))


def run_again(
    chapters: Annotated[list[str] | None, typer.Argument(help="Chapters, e.g. 09_two_tails [default: all].")] = None,
    profile: Annotated[str, typer.Option(help="The scale of the runs.")] = "smoke",
) -> None:
    """Run chapters twice with the same seeds, and on the GPU where there is one, and compare what they record bit by bit.

    The outcome for all chapters goes to reference/repeat.json. Exit status: 0 all the same, 1 something differs or did not finish.
    """
    from ddbook.press.repeat import repeat, write

    found = repeat(project_root(), profile, chapters or [], say=say)
    if not chapters:
        say(str(write(project_root(), found)))
    bad = [one for one in found.chapters if one.failed or one.different]
    for one in bad:
        say(f"Not the same to the last bit: {one.chapter}: {one.failed or ', '.join(one.different)}", error=True)
    raise typer.Exit(EXIT["failed"] if bad else EXIT["ok"])
