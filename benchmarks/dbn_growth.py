"""How the cost of a distillation step and of an EM iteration grows with replicates and variables: ratios within one run.

A step is the fit to 20 distilled patients, the likelihood of 5 sources and its gradient. Times are those of the whole batch over
those of one replicate of 10 variables with as many slices; each case runs in a process of its own, whose largest memory is given
(about 400 MB of it are the libraries). Cases of over 1e7 numbers in the sources' covariances are left out (–): they need more than
two gigabytes. What was measured on a busy core (step, EM iteration, peak MB), with one replicate of 10 variables at 3–6 ms and 1–2
ms:

    slices  variables   1 replicate          10 replicates         100 replicates
    2       10             1      1   399       1.8    1.9   403      16     10   437
    2       50           3.1    3.5   409        39     51   478     468    671   980
    2       200           77    122   541       925   1450  1240       –
    5       10             1      1   402       2.6    8.3   419      28     54   592
    5       50            12     20   449        96    242   934       –
    5       200          511   1040   872         –                    –

A small network pays for the number of operations, not for their size: ten replicates of 10 variables and 2 slices cost less than
two. From about 50 variables a batch saves nothing: its time grows as the number of replicates or somewhat more, since large
tensors have to pass through memory. From 50 to 200 variables the time grows 25- to 50-fold, towards the cube (64).

Run it with ``OMP_NUM_THREADS=1 python benchmarks/dbn_growth.py``; it takes about two minutes of one core.
"""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

import pandas as pd
import torch

from ddbook.kit.merge.setting import Setting
from ddlib.dbn.likelihood.observed import expected_trajectories
from ddlib.dbn.model.moments import fit_moments, gaussian_moments, regressors

VARIABLES, REPLICATES, SLICES, BUDGET = (10, 50, 200), (1, 10, 100), (2, 5), 20
PATIENTS = 10  # per source: no step's cost depends on it
LARGEST = 1e7  # numbers in the sources' covariances, of which a step holds about ten copies


def seconds(work: Callable[[], object], least: float = 0.5, times: int = 2) -> float:
    """The shortest of several times."""
    found: list[float] = []
    while len(found) < times or (sum(found) < least and len(found) < 50):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return min(found)


def measure(slices: int, variables: int, replicates: int) -> dict[str, float]:
    """Times of both steps, and the largest memory of this process, which measures nothing else."""
    torch.set_num_threads(1)
    setting = Setting(replicates, variables, slices, trajectories=PATIENTS)
    task, _ = setting.draw()
    chosen, parents = task.start(BUDGET, setting.generator(1)), regressors(task.graph)
    model = task.fit(chosen)

    def step() -> None:
        x = chosen.x.detach().requires_grad_()
        torch.autograd.grad(task.risk(task.fit(chosen._replace(x=x))).sum(), x)

    def iteration() -> None:
        fit_moments(gaussian_moments(expected_trajectories(model, task.statistics, slices)[0], slices), parents)

    found = {"step": seconds(step), "EM iteration": seconds(iteration)}
    return found | {"peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def main() -> None:
    rows = []
    for slices in SLICES:
        for variables in VARIABLES:
            for replicates in REPLICATES:
                if replicates * Setting().sources * (slices * variables) ** 2 > LARGEST:
                    continue
                with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as alone:
                    found = alone.submit(measure, slices, variables, replicates).result()
                rows.append({"slices": slices, "variables": variables, "replicates": replicates} | found)
    frame = pd.DataFrame(rows)
    for column in ("step", "EM iteration"):
        frame[f"{column} ×"] = frame[column] / frame.groupby("slices")[column].transform("first")
    print(frame.to_string(index=False, float_format=lambda value: f"{value:.3g}"))


if __name__ == "__main__":
    main()
