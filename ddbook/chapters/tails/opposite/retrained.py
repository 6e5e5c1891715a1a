"""Rows of the tables again, by another program: plain networks on the same sets, trained by DeepXDE."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import torch

from ddbook.chapters.tails.opposite.experiment import Made
from ddbook.chapters.tails.opposite.learners import fit_all, judges
from ddbook.chapters.tails.opposite.report import METHODS, called
from ddbook.chapters.tails.opposite.setting import Setting
from ddbook.kit import figures, looks
from ddbook.kit.tails.draws import draws_for
from ddbook.kit.tails.words import label
from ddlib.pinn import deepxde_bridge
from ddlib.pinn.task import PinnTask
from ddlib.problem import Distilled

OURS, THEIRS = "ddlib", "DeepXDE"


def retrain(task: PinnTask, sets: Sequence[Made], setting: Setting, networks: int = 8) -> pd.DataFrame:
    """Each set of the first seed: errors on the target tail of several of our networks and of one by DeepXDE, all of them fresh.

    Args:
        task: the problem and its data.
        sets: of points.
        setting: seed of the first weights, where DeepXDE's differ from set to set, and precision and steps of the training.
        networks: of ours.
    """
    learner, rows = judges(task, setting.steps)["network"], []
    widths = (learner.network.widths[0],) * len(learner.network.widths)  # type: ignore[attr-defined]
    training: dict[str, Any] = {"steps": setting.steps, "precision": setting.precision, "widths": widths}
    grid = Distilled(*(tensor[:1] for tensor in task.data.target))
    for at, made in enumerate(sets):
        one = Distilled(*(tensor[:1] for tensor in made.distilled))
        many = Distilled(*(tensor.expand(networks, *tensor.shape[1:]) for tensor in one))
        (models,) = fit_all(learner, [many], draws_for(task, setting.seed, "fresh weights"), setting.precision)
        ours = learner.predict(models, grid.x.expand(networks, -1, -1))
        theirs = deepxde_bridge.train(task.problem, one, seed=setting.seed + at, **training)
        said = torch.cat([ours, theirs.predict(grid.x).to(ours)])
        errors = ((said - grid.y).norm(dim=-1) / grid.y.norm(dim=-1)).cpu().numpy()
        about: dict[str, Any] = {"problem": task.problem.name, "level": made.level, "method": made.method, "budget": one.budget}
        rows.append(pd.DataFrame({"error": errors, "program": [OURS] * networks + [THEIRS]}).assign(**about))
    return pd.concat(rows, ignore_index=True)


def draw_retrained(scores: pd.DataFrame) -> Any:
    """Errors of our networks and of DeepXDE's on the same sets, one panel per problem."""
    problems = list(scores.problem.unique())
    methods = [one for one in METHODS if one in set(scores.method)]
    figure, axes = figures.grid(len(problems), 2, height=0.2 * len(methods) + 0.7, sharey=True)
    for panel, problem in zip(axes.flat, problems, strict=False):
        for at, method in enumerate(methods):
            trained = scores[(scores.problem == problem) & (scores.method == method)]
            for program, marker, colour in ((OURS, "|", looks.BLUE), (THEIRS, "D", looks.VERMILION)):
                errors = trained[trained.program == program].error
                panel.plot(errors, [-at] * len(errors), marker, color=colour, linestyle="", label=program if at == 0 else None)
        panel.set(xscale="log", title=label(problem))
        panel.set_yticks([-at for at in range(len(methods))], [called(method) for method in methods])
    figures.name_outer(axes, "relative L2 error")
    figures.legend_below(figure, 2)
    return figure
