"""One distillation step and one EM iteration of the merge against the same built from pgmpy calls, as ratios within one run.

The setting is chapter 04's: 10 variables, 5 slices, 5 sources of 1000 patients that hide 20 %, noise 0.3, 10 distilled patients. A
step is the maximum-likelihood fit to S, the likelihood of all sources and its gradient in S. pgmpy has no gradient, so its step
goes without, in its favour; beside it stands ddlib's without. Also in its favour: networks and tables of the sources are made
outside the timing, nodes are named by whole numbers, scikit-learn's input checks are off. ``dbn_in_pgmpy.py`` says what is called.
It computes one replicate after another, in two forms: "rows" is pgmpy (and SciPy's density) on the patients' rows, "statistics"
takes from pgmpy only the fit and the joint Gaussian, and does the rest in NumPy on sufficient statistics, as ddlib does. Before
anything is timed, risks and EM's next laws are checked to agree to 1e-8.

pgmpy's processor time for one replicate over ddlib's for one of a batch, with pgmpy on rows and on statistics (a busy core, where
pgmpy's step took 46 to 72 ms; EM iterations in ranges of five runs, steps in one):

    replicates in the batch                1                 10                  100
    step                                   13 / 12           61 / 55             51 / 46
    step, ddlib's without gradient too     35 / 31           156 / 141           179 / 161
    EM iteration                           29–39 / 22–27     91–108 / 63–78      71–108 / 57–74

So a hundred times is reached where both do the same work, not where ddlib also computes the gradient, nor by EM save at times on
rows. A gradient of pgmpy's step by forward differences is 501 calls: 23,000 times ddlib's whole step in a batch of 100.
Nearly all of pgmpy's time is its fit's use of pandas and scikit-learn. A batch of 100 is no faster per replicate than one of 10:
there the time goes into arithmetic and passes over memory, no longer into the number of operations.

Run it with ``OMP_NUM_THREADS=1 python benchmarks/dbn_against_pgmpy.py``; it takes about a minute and 1.5 gigabytes on one core.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import pandas as pd
import sklearn
import torch
from dbn_in_pgmpy import Replicate
from torch import Tensor

from ddbook.kit.merge.setting import Setting
from ddlib.dbn import MergeTask
from ddlib.dbn.likelihood.observed import expected_trajectories
from ddlib.dbn.model.moments import Regressors, fit_moments, gaussian_moments, regressors
from ddlib.dbn.model.network import Dbn, Graph, joint
from ddlib.dbn.sources import Sources
from ddlib.problem import Distilled

BATCHES = (1, 10, 100)
SETTING = Setting(replicates=max(BATCHES))  # 10 variables, 5 slices, 5 sources of 1000 patients; 20 % hidden, noise 0.3
BUDGET = 10
UNIT = 1e-4  # of all measurements: pgmpy rounds its joint Gaussian to 8 decimals, which is nothing in so small a unit
TOLERANCE = 1e-8  # relative
ALONE = 3  # replicates that pgmpy computes, one after another


def problem(whole: MergeTask, replicates: int) -> tuple[MergeTask, Distilled]:
    """The merge of the first replicates in the small unit, and the set that distillation starts from."""
    graph = Graph(*(part[:replicates] for part in whole.graph))
    truth = Dbn(*(part[:replicates] for part in whole.truth))  # only the test risk uses it
    values, observed, noise = (part[:replicates] for part in whole.sources)
    task = MergeTask(graph, truth, Sources(values / UNIT, observed, noise / UNIT))
    return task, task.start(BUDGET, SETTING.generator(1))


def step(task: MergeTask, chosen: Distilled) -> tuple[Tensor, Tensor]:
    """One distillation step of all replicates: the risk of the network learned from S, and its gradient in S."""
    x = chosen.x.detach().requires_grad_()
    risk = task.risk(task.fit(chosen._replace(x=x)))
    return risk.detach(), torch.autograd.grad(risk.sum(), x)[0]


def iteration(task: MergeTask, model: Dbn, parents: Regressors) -> Dbn:
    """One EM iteration of all replicates."""
    law, _ = expected_trajectories(model, task.statistics, task.slices)
    return fit_moments(gaussian_moments(law, task.slices), parents)


def all_iterate(theirs: list[Replicate], rows: bool) -> None:
    """One EM iteration of each."""
    for one in theirs:
        one.iteration(rows)


def check(task: MergeTask, chosen: Distilled, theirs: list[Replicate]) -> None:
    """Both ways, and both of pgmpy's forms, have the same results."""
    risk, _ = step(task, chosen)
    law = joint(iteration(task, task.fit(chosen), regressors(task.graph)), task.slices)
    for rows in (True, False):
        for r, one in enumerate(theirs):
            torch.testing.assert_close(torch.tensor(one.step(rows), dtype=risk.dtype), risk[r], rtol=TOLERANCE, atol=0)
            one.iteration(rows)  # the step left the network that was learned from S
            for found, expected in zip(one.law(), (law.mean[r], law.covariance[r]), strict=True):
                difference = torch.as_tensor(found) - expected
                assert float(difference.abs().max() / expected.abs().max()) < TOLERANCE


def seconds(work: Callable[[], object]) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin


def main(repeats: int) -> None:
    torch.set_num_threads(1)
    sklearn.set_config(assume_finite=True, skip_parameter_validation=True)  # in favour of pgmpy, whose fit calls it
    whole, _ = SETTING.draw()
    task, chosen = problem(whole, ALONE)
    theirs = [Replicate(task, chosen, r) for r in range(ALONE)]
    check(task, chosen, theirs)

    works: dict[tuple[str, str], tuple[Callable[[], object], int]] = {}
    for rows in (True, False):
        way = f"pgmpy, {'rows' if rows else 'statistics'}"
        works["step", way] = (lambda rows=rows: [one.step(rows) for one in theirs]), ALONE  # type: ignore[misc]
        works["EM iteration", way] = (lambda rows=rows: all_iterate(theirs, rows)), ALONE  # type: ignore[misc]
    for count in BATCHES:
        ours = problem(whole, count)
        model, parents = ours[0].fit(ours[1]), regressors(ours[0].graph)
        works["step", f"ddlib, batch of {count}"] = (lambda ours=ours: step(*ours)), count  # type: ignore[misc]
        forward = lambda ours=ours: ours[0].risk(ours[0].fit(ours[1]))  # noqa: E731
        works["step", f"ddlib without gradient, batch of {count}"] = forward, count
        em = lambda task=ours[0], model=model, parents=parents: iteration(task, model, parents)  # noqa: E731
        works["EM iteration", f"ddlib, batch of {count}"] = em, count
    del whole

    best = dict.fromkeys(works, float("inf"))
    for _ in range(repeats):  # in turn, so that a slow spell of the machine meets all of them
        for key, (work, count) in works.items():
            best[key] = min(best[key], seconds(work) / count)
    frame = pd.Series(best).rename_axis(["of", "way"]).rename("ms per replicate").mul(1e3).reset_index()
    by_ddlib = frame["way"].str.startswith("ddlib")
    for form in ("rows", "statistics"):
        base = frame[frame["way"] == f"pgmpy, {form}"].set_index("of")["ms per replicate"]
        frame[f"pgmpy ({form}) over it"] = (frame["of"].map(base) / frame["ms per replicate"]).where(by_ddlib)
    print(frame.sort_values("of", kind="stable").to_string(index=False, na_rep="", float_format=lambda value: f"{value:.3g}"))
    fastest = best["step", "pgmpy, statistics"]
    calls = chosen.x[0].numel() + 1
    share = fastest * calls / best["step", f"ddlib, batch of {max(BATCHES)}"]
    print(
        f"pgmpy's gradient by forward differences: {calls} calls, {fastest * calls:.3g} s; {share:.3g} times ddlib's largest batch"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=15, help="how often each way is timed")
    main(parser.parse_args().repeats)
