"""The experiment of chapter 04: the same random networks and sources for every way of merging, scored in closed form."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from ddlib.dbn.baselines import carried, clean_trajectories, estimate_by_em
from ddlib.dbn.generate import random_networks
from ddlib.dbn.merge import MergeTask
from ddlib.dbn.model import Dbn
from ddlib.dbn.sources import draw_sources, random_pattern
from ddlib.dbn.sufficient import trajectories_needed
from ddlib.problem import Distilled, Method, distil
from ddlib.statistics import estimate, paired_difference


@dataclass(frozen=True)
class Setting:
    """Everything that a run's networks and sources are drawn from.

    Attributes:
        replicates: random networks.
        variables, slices: of a trajectory.
        sources: hospitals.
        trajectories: per source.
        hidden: share of the variables that a source hides.
        noise: standard deviation of the measurement noise.
        seed: of all randomness.
        device: where to compute.
    """

    replicates: int = 3
    variables: int = 10
    slices: int = 5
    sources: int = 5
    trajectories: int = 1000
    hidden: float = 0.2
    noise: float = 0.3
    seed: int = 0
    device: str = "cpu"

    def generator(self, stream: int) -> torch.Generator:
        """A stream of random numbers of its own: 0 for the data, others for the methods."""
        return torch.Generator(self.device).manual_seed(1_000_003 * self.seed + stream)

    def draw(self) -> tuple[MergeTask, MergeTask]:
        """The merge task with all sources in the risk, and Algorithm 1's leave-one-source-out form, on the same data."""
        draw = self.generator(0)
        graph, truth = random_networks(self.replicates, self.variables, draw)
        pattern = random_pattern(self.replicates, self.sources, self.slices, self.variables, draw, self.hidden)
        sources = draw_sources(truth, pattern, self.trajectories, draw, self.noise)
        return MergeTask(graph, truth, sources), MergeTask(graph, truth, sources, objective="leave_one_out")


def check_budgets(budgets: list[int], epochs: list[int], setting: Setting) -> None:
    """Refuse budgets that would fail only after long work.

    Args:
        budgets: distilled trajectories in total.
        epochs: of Algorithm 1, one number per budget.
        setting: what the budgets are used in.

    Raises:
        ValueError: if there is no budget or one twice, if one is below the number of sources or asks for more trajectories than
            there are, or if the epochs do not match.
    """
    if not budgets or len(epochs) != len(budgets):
        raise ValueError(
            f"zeroth_order_epochs has {len(epochs)} numbers for {len(budgets)} budgets in ipc: give one for each budget"
        )
    if len(set(budgets)) < len(budgets):
        raise ValueError(f"ipc names a budget twice, {budgets}: give each budget once")
    for budget in budgets:
        if not setting.sources <= budget <= setting.sources * setting.trajectories:
            most = setting.sources * setting.trajectories
            raise ValueError(f"ipc has the budget {budget}: give each source a trajectory, from {setting.sources} to {most} in all")


class Run(NamedTuple):
    """One method at one budget.

    Attributes:
        start: the set that it began with.
        distilled: the set that it reached.
        scores: one row per replicate, as :func:`score` makes them.
        curve: test log-likelihood against the step, one row per step and replicate.
    """

    start: Distilled
    distilled: Distilled
    scores: pd.DataFrame
    curve: pd.DataFrame


def score(task: MergeTask, model: Dbn, method: str, budget: int, seconds: float = 0.0, stored: int = 0) -> pd.DataFrame:
    """Test log-likelihood, regret and training risk of a model in nats per trajectory, one row per replicate."""
    values: dict[str, Float[Tensor, " R"]] = {
        "test_ll": -task.risk(model, "test"),
        "regret": task.risk(model, "test") - task.risk(task.reference, "test"),
        "train_risk": task.risk(model),
    }
    frame = pd.DataFrame({name: value.detach().cpu().numpy() for name, value in values.items()})
    heads = {"method": method, "budget": budget, "seed": np.arange(len(frame))}
    return pd.DataFrame(heads).join(frame).assign(stored_numbers=stored, seconds=seconds)


def follow(method: Method, task: MergeTask, budget: int, steps: int, generator: torch.Generator, points: int = 40) -> Run:
    """Run a method and watch the test log-likelihood at some steps, spaced evenly on a logarithmic axis.

    The seconds in the scores leave the watching out.
    """
    watched = {0, *np.unique(np.geomspace(1, max(steps, 1), points).round().astype(int)).tolist()}
    sets: dict[int, Distilled] = {}

    def observe(step: int, current: Distilled) -> None:
        if step in watched:
            sets[step] = current

    began = time.perf_counter()
    chosen, _ = distil(method, task, budget, steps, generator, observe)
    seconds = time.perf_counter() - began
    curve = [score(task, task.fit(current), method.name, budget).assign(step=step) for step, current in sets.items()]
    columns = ["method", "budget", "seed", "step", "test_ll", "regret"]
    scores = score(task, task.fit(chosen), method.name, budget, seconds, chosen.stored_numbers)
    return Run(sets[0], chosen, scores, pd.concat(curve, ignore_index=True)[columns])


def yardsticks(task: MergeTask, budgets: list[int], generator: torch.Generator) -> pd.DataFrame:
    """The rows that distillation is compared with.

    Clean subsets are the first rows of one set of clean complete trajectories that is as large as all sources together. The limit
    is EM's estimate carried exactly, at each budget that is large enough for it and at the smallest that is.
    """
    began = time.perf_counter()
    em = estimate_by_em(task)
    seconds = time.perf_counter() - began
    total = task.train.budget
    clean = clean_trajectories(task, total, generator)
    rows = [
        score(task, task.truth, "truth", 0),
        score(task, em.model, "em", total, seconds, int(task.sources.observed[0].sum()) * (total // task.sources.values.shape[1])),
        score(task, task.fit(clean), "clean_all", total, stored=clean.stored_numbers),
    ]
    for budget in budgets:
        subset = Distilled(*(part[:, :budget] for part in clean))
        rows.append(score(task, task.fit(subset), "clean_subset", budget, stored=subset.stored_numbers))
    needed = trajectories_needed(task.graph)
    for budget in sorted({needed, *(b for b in budgets if b >= needed)}):
        limit = carried(task, em.model, budget, generator)
        rows.append(score(task, task.fit(limit), "limit", budget, stored=limit.stored_numbers))
    return pd.concat(rows, ignore_index=True)


def limit_difference(task: MergeTask, generator: torch.Generator) -> float:
    """The largest difference in any parameter between EM's estimate and the fit to the smallest set that carries it."""
    em = estimate_by_em(task).model
    fitted = task.fit(carried(task, em, trajectories_needed(task.graph), generator))
    return max(float((ours - theirs).abs().max()) for ours, theirs in zip(fitted, em, strict=True))


def ratio_to_em(scores: pd.DataFrame, method: str, budget: int) -> np.ndarray:
    """A method's regret over EM's on the same network, one number per replicate."""
    ours = scores.query("method == @method and budget == @budget").sort_values("seed").regret.to_numpy()
    return ours / scores.query("method == 'em'").sort_values("seed").regret.to_numpy()


def summary(scores: pd.DataFrame, budgets: list[int]) -> pd.DataFrame:
    """Median regret with its 95 % interval, one row per method and one column per budget; one value where there is no budget."""
    rows = {}
    for method, part in scores.groupby("method", sort=False):
        row = {}
        for budget in budgets:
            here = part if method in ("truth", "em", "clean_all") else part[part.budget == budget]
            found = estimate(here.regret.to_numpy(), "median") if len(here) else None
            row[f"IPC {budget}"] = f"{found.value:.3g} ({found.low:.3g}–{found.high:.3g})" if found else "–"
        rows[str(method)] = row
    return pd.DataFrame(rows).T.rename_axis("regret, nats per trajectory")


class Number(NamedTuple):
    """A number for the prose: the arguments of ``Recorder.number`` after the name."""

    value: float
    low: float | None = None
    high: float | None = None
    n: int | None = None
    unit: str = ""


def numbers(scores: pd.DataFrame, budgets: list[int]) -> dict[str, Number]:
    """What the chapter's sentences quote: medians over networks of regret and of its ratio to EM's, seconds and sizes."""
    nats = "nats per trajectory"

    def regret(method: str, budget: int | None = None) -> Number:
        part = scores[(scores.method == method) & ((scores.budget == budget) | (budget is None))]
        return Number(*estimate(part.regret.to_numpy(), "median"), nats)

    found = {"em_regret": regret("em"), "clean_all_regret": regret("clean_all")}
    methods = ("first_order", "first_order_loo", "zeroth_order")
    for method in methods:
        ratios = {budget: ratio_to_em(scores, method, budget) for budget in budgets}
        for budget in budgets:
            found[f"{method}_ratio_ipc{budget}"] = Number(*estimate(ratios[budget], "median"))
            found[f"{method}_regret_ipc{budget}"] = regret(method, budget)
        found[f"{method}_worst_median_ratio"] = Number(max(float(np.median(ratio)) for ratio in ratios.values()))
        found[f"{method}_worst_ratio"] = Number(max(float(ratio.max()) for ratio in ratios.values()))
        part = scores[(scores.method == method) & (scores.seed == 0)]
        found[f"{method}_seconds"] = Number(float(part.seconds.sum()), unit="s")
    for budget in budgets:
        found[f"clean_subset_regret_ipc{budget}"] = regret("clean_subset", budget)
    for end, budget in (("smallest", min(budgets)), ("largest", max(budgets))):
        found[f"ipc_{end}"] = Number(budget)
        for method in (*methods, "clean_subset"):
            found[f"{method}_regret_{end}"] = regret(method, budget)
        stored = scores[(scores.method == "first_order") & (scores.budget == budget)].stored_numbers
        found[f"stored_{end}"] = Number(int(stored.iloc[0]))
    for rival in ("clean_subset", "zeroth_order"):
        for end, budget in (("smallest", min(budgets)), ("largest", max(budgets))):
            part = scores[scores.budget == budget].sort_values("seed")
            ours, theirs = (part[part.method == method].regret.to_numpy() for method in ("first_order", rival))
            found[f"gain_over_{rival}_{end}"] = Number(*paired_difference(theirs, ours), nats)
    found["clean_all_test_ll"] = Number(*estimate(scores[scores.method == "clean_all"].test_ll.to_numpy(), "median"), nats)
    for method in ("first_order", "zeroth_order"):
        part = scores[(scores.method == method) & (scores.budget == max(budgets))].sort_values("seed")
        best = scores[scores.method == "clean_all"].sort_values("seed")
        found[f"{method}_behind_clean_all"] = Number(*estimate(best.test_ll.to_numpy() - part.test_ll.to_numpy(), "median"), nats)
    found["stored_sources"] = Number(int(scores[scores.method == "em"].stored_numbers.iloc[0]))
    found["limit_trajectories"] = Number(int(scores[scores.method == "limit"].budget.min()))
    found["em_seconds"] = Number(float(scores[scores.method == "em"].seconds.iloc[0]), unit="s")
    found["networks"] = Number(scores.seed.nunique())
    return found
