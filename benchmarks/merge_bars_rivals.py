"""Other tools for incomplete records, each as a mean and a covariance of the trajectory, for ``merge_bars_errors.py``.

All complete the wide table, one row for a patient and T·p columns, some times over; the mean and the covariance are averages over
the completed tables. A rival that is told the hospitals is judged by the covariance within hospitals. Seen with R 4.2, mice 3.15
and jomo 2.7: mice's 2l.norm stops where a hospital lacks a column entirely ("NAs produced"), which then stands in the output.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from merge_worlds import Array, World, moments

DRAWS = 5
"""Completed tables of each method."""
DRIVER = Path(__file__).with_name("merge_bars_rivals.R")
Rival = Callable[[World, int], tuple[Array, Array]]


def _wide(world: World) -> Array:
    return world.seen.reshape(len(world.seen), -1)


def _averaged(world: World, tables: list[Array], hospital: bool) -> tuple[Array, Array]:
    found = [moments(table.reshape(world.seen.shape), world.hospital if hospital else None) for table in tables]
    mean, covariance = (np.mean(part, axis=0) for part in zip(*found, strict=True))
    return (_of_those_who_measure(world, tables) if hospital else mean), covariance


def _of_those_who_measure(world: World, tables: list[Array]) -> Array:
    """The mean of the hospitals that measure a column: what a rival makes up for the others is not held against it."""
    completed = np.mean(tables, axis=0).reshape(world.seen.shape)
    hospitals = [world.hospital == k for k in np.unique(world.hospital)]
    means = np.stack([completed[own].mean(0) for own in hospitals])
    measured = np.stack([~np.isnan(world.seen[own]).all((0, 1)) for own in hospitals])[:, None]
    return (means * measured).sum(0) / measured.sum(0)


def iterative_imputer(hospital: bool) -> Rival:
    """scikit-learn's IterativeImputer with draws from the posterior predictive; if asked, with a 0/1 column for each hospital."""

    def rival(world: World, seed: int) -> tuple[Array, Array]:
        from sklearn.experimental import enable_iterative_imputer  # noqa: F401
        from sklearn.impute import IterativeImputer

        wide = _wide(world)
        dummies = np.eye(world.hospital.max() + 1)[world.hospital][:, 1:] if hospital else wide[:, :0]
        tables = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that the rounds have not converged: draws never do
            for draw in range(DRAWS):
                imputer = IterativeImputer(sample_posterior=True, max_iter=10, random_state=DRAWS * seed + draw)
                tables.append(imputer.fit_transform(np.hstack([wide, dummies]))[:, : wide.shape[1]])
        return _averaged(world, tables, hospital)

    return rival


def gcimpute(world: World, seed: int) -> tuple[Array, Array]:
    """The Gaussian copula of the package gcimpute, all columns continuous."""
    from gcimpute.gaussian_copula import GaussianCopula

    model = GaussianCopula(random_state=seed, verbose=0)
    wide = _wide(world)
    model.fit(wide, continuous=list(range(wide.shape[1])))
    drawn = model.sample_imputation(wide, num=DRAWS)
    return _averaged(world, [np.asarray(drawn)[..., i] for i in range(DRAWS)], False)


def in_r(method: str, hospital: bool) -> Rival:
    """A method of the driver in R."""

    def rival(world: World, seed: int) -> tuple[Array, Array]:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            wide = pd.DataFrame(_wide(world)).add_prefix("v")
            wide.insert(0, "hospital", world.hospital + 1)
            wide.to_csv(folder / "wide.csv", index=False)
            command = ["Rscript", "--vanilla", str(DRIVER), method, str(folder), str(DRAWS), str(seed)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=600)
            if done.returncode:
                raise RuntimeError(" ".join(done.stderr.split())[-300:])
            tables = [pd.read_csv(folder / f"{i}.csv").to_numpy() for i in range(1, DRAWS + 1)]
        return _averaged(world, tables, hospital)

    return rival


def _has_r_package(name: str) -> bool:
    if shutil.which("Rscript") is None:
        return False
    question = f"quit(status = !requireNamespace('{name}', quietly = TRUE))"
    return subprocess.run(["Rscript", "--vanilla", "-e", question], capture_output=True).returncode == 0


def rivals(chosen: str) -> tuple[dict[str, Rival], list[str]]:
    """The rivals that can run here, and a line about each that cannot; ``chosen`` is none, sklearn or all."""
    if chosen == "none":
        return {}, []
    found: dict[str, Rival] = {
        "IterativeImputer": iterative_imputer(False),
        "IterativeImputer, hospitals": iterative_imputer(True),
    }
    absent = []
    if chosen == "sklearn":
        return found, absent
    if importlib.util.find_spec("gcimpute"):
        found["gcimpute"] = gcimpute
    else:
        absent.append("gcimpute: skipped, the package is not installed (pip install gcimpute)")
    for package, methods in {"mice": {"norm": False, "2l.norm": True}, "jomo": {"jomo": False, "jomo.cluster": True}}.items():
        if _has_r_package(package):
            found |= {f"{package} {method}".replace("jomo jomo", "jomo"): in_r(method, own) for method, own in methods.items()}
        else:
            absent.append(f"{package}: skipped, R has no such package here (Debian: apt install r-cran-{package})")
    return found, absent
