"""What is done with the authors' files: all tables of it, or those of the reference where the files are not at hand."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd

from ddbook.chapters.merge.published.data import FILES, Released, ReleasedSetting, from_files
from ddbook.chapters.merge.published.experiment import (
    Outcome,
    as_released,
    files_yardsticks,
    on_files,
    on_rebuilt,
    rebuilt_yardsticks,
    slopes,
)
from ddbook.chapters.merge.published.published import LOGS
from ddbook.chapters.merge.published.runs import RUNS, repeat
from ddlib.datasets import ChecksumError, DataUnavailableError, MergeRelease, merge_release
from ddlib.problem import Distilled

Keep = Callable[..., Any]
"""Calls a function with arguments, or finds what it has given before."""
SWAP_BUDGETS = (10, 20)
"""At which Algorithm 1 is run without the exchange of filled cells too."""
WORDS = {2: "two_slices", 10: "ten_slices"}
NAMES = ("scores", "curves", "repeated", "slopes")


class Tables(NamedTuple):
    """What the chapter records.

    Attributes:
        scores: test log-likelihood of every row, see :func:`ddbook.chapters.merge.published.experiment.score`.
        curves: the same along Algorithm 1.
        repeated: the epochs of the repeated runs, with the published points.
        slopes: of estimated on declared weights.
    """

    scores: pd.DataFrame
    curves: pd.DataFrame
    repeated: pd.DataFrame
    slopes: pd.DataFrame

    @classmethod
    def joined(cls, parts: list[Tables]) -> Tables:
        """All rows of several."""
        return cls(*(pd.concat([one for one in each if len(one)], ignore_index=True) for each in zip(*parts, strict=True)))


@dataclass(frozen=True)
class Plan:
    """What is run.

    Attributes:
        replicates: seeds.
        ipc: budgets with two slices, on the files.
        rebuilt_ipc: on rebuilt data.
        long_ipc: with ten slices, on the files.
        most_epochs: no run takes more.
        seed: of all random draws but those of the repeated runs.
        device: where rebuilt data are.
    """

    replicates: int
    ipc: list[int]
    rebuilt_ipc: list[int]
    long_ipc: list[int]
    most_epochs: int
    seed: int
    device: str

    def epochs(self, slices: int, budget: int) -> int:
        """The published number of epochs, or as many as are allowed."""
        return min(RUNS[slices, budget].epochs, self.most_epochs)


def read(download: bool) -> tuple[dict[int, MergeRelease], str]:
    """The authors' files of two and ten slices; or nothing, and a notice for the page, as HTML.

    Args:
        download: fetch them if they are not on this machine.
    """
    try:
        return {slices: merge_release(slices, download) for slices in (2, 10)}, ""
    except (DataUnavailableError, ChecksumError) as error:
        notice = (
            "What this page says of the authors' own files was not computed in this run: its numbers and marks are those that the "
            f"reference run recorded. {error}. To fetch them, run the chapter with -p download=true."
        )
        title = '<p class="admonition-title">From the reference, not from this run</p>'
        return {}, f'<div class="admonition warning">{title}<p>{html.escape(notice)}</p></div>'


def repeated_run(release: MergeRelease, budget: int, epochs: int) -> tuple[Distilled, pd.DataFrame]:
    """A published run with R's random numbers: its set, and each epoch with the published point where there is one."""
    data = from_files(release)
    slices = data.task.slices
    chosen, logged = repeat(data.task, RUNS[slices, budget], budget, epochs)
    table = pd.DataFrame({"slices": slices, "budget": budget, "epoch": range(1, epochs + 1), "test_ll": logged})
    return chosen, table.assign(published=table.epoch.map(LOGS[slices, budget]))


def from_release(keep: Keep, releases: dict[int, MergeRelease], plan: Plan) -> tuple[Tables, list[tuple[str, Distilled]]]:
    """All that is run on the authors' files.

    Args:
        keep: see :data:`Keep`.
        releases: by the number of slices.
        plan: what is run.

    Returns:
        The tables, and the sets of repeated runs with the name of their data.
    """
    outcomes: list[Outcome] = []
    repeated: dict[int, dict[int, tuple[Distilled, pd.DataFrame]]] = {2: {}, 10: {}}
    for slices, budgets in ((2, plan.ipc), (10, plan.long_ipc)):
        for budget in budgets:
            given = (releases[slices], plan.replicates, budget, plan.epochs(slices, budget), plan.seed)
            outcomes.append(keep(on_files, *given))
            if slices == 2 and budget in SWAP_BUDGETS:
                outcomes.append(_as_meant(keep(on_files, *given, swapped=False)))
            if (slices, budget) in LOGS:
                repeated[slices][budget] = keep(repeated_run, releases[slices], budget, plan.epochs(slices, budget))
    fixed = [keep(files_yardsticks, release, plan.replicates, plan.seed) for release in releases.values()]
    own = [as_released(releases[n], {m: found for m, (found, _) in runs.items()}) for n, runs in repeated.items()]
    tables = Tables(
        pd.concat([*fixed, *own, *(outcome.scores for outcome in outcomes)], ignore_index=True),
        pd.concat([outcome.curve for outcome in outcomes], ignore_index=True),
        pd.concat([table for runs in repeated.values() for _, table in runs.values()], ignore_index=True),
        pd.concat([slopes(from_files(release)).assign(slices=n) for n, release in releases.items()], ignore_index=True),
    )
    return tables, [(WORDS[n], found) for n, runs in repeated.items() for found, _ in runs.values()]


def _as_meant(outcome: Outcome) -> Outcome:
    """The rows at the end, under a name of their own."""
    scores = outcome.scores[outcome.scores.method == "zeroth_order"].assign(method="zeroth_order_meant")
    return outcome._replace(scores=scores, curve=outcome.curve.iloc[:0])


def from_reference(recorded: Callable[[str], pd.DataFrame]) -> Tables:
    """The reference's rows on the authors' files.

    Args:
        recorded: the reference's table of a name.
    """
    tables = (recorded(name) for name in NAMES)
    return Tables(*(table[table.data == FILES] if "data" in table else table for table in tables))


def rebuilt(keep: Keep, plan: Plan) -> tuple[Tables, dict[int, Distilled]]:
    """All that is run on rebuilt data of two slices, and the sets by budget."""
    setting = ReleasedSetting(plan.replicates, seed=plan.seed, device=plan.device)
    outcomes = {m: keep(on_rebuilt, setting, m, plan.epochs(2, m)) for m in plan.rebuilt_ipc}
    scores = [keep(rebuilt_yardsticks, setting, tuple(plan.rebuilt_ipc)), *(found.scores for found in outcomes.values())]
    drawn: Released = setting.draw()
    tables = Tables(
        pd.concat(scores, ignore_index=True),
        pd.concat([found.curve for found in outcomes.values()], ignore_index=True),
        pd.DataFrame(columns=["slices", "budget", "epoch", "test_ll", "published"]),
        slopes(drawn).assign(slices=2),
    )
    return tables, {m: found.distilled for m, found in outcomes.items()}
