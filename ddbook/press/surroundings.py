"""What surrounds a run: variables and folders of its own, so that nobody's settings change a result unseen."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

KEPT = {
    *("PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "PYTHONNOUSERSITE", "PYTHONSAFEPATH"),  # where packages are found
    *("PYTHONPYCACHEPREFIX", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"),  # what cannot change a result
}
"""Variables of Python that hold in a run too. All others, such as PYTHONOPTIMIZE, which strips asserts, do not."""
OF_A_USER = re.compile(r"PYTHON|IPYTHON|JUPYTER|MPL|MATPLOTLIB")
"""How names of variables begin that carry a user's own settings."""
COMPUTE = re.compile(
    r"\w*NUM_THREADS|(OMP|GOMP|KMP|MKL|OPENBLAS|BLIS|VECLIB|NUMEXPR|ATEN|TORCH|PYTORCH|CUBLAS|ONEDNN|DNNL)_\w+|CUDA_VISIBLE_DEVICES"
)
"""Names of variables that change how torch and linear algebra compute, and with it last digits."""
PLACE = re.compile(r"\w*(HOME|DIR|PATH|ROOT)")
"""Names of variables that say where something lies."""


def neutral(variables: Mapping[str, str]) -> dict[str, str]:
    """Variables without those by which a user changes what Python, Jupyter or matplotlib do."""
    return {name: value for name, value in variables.items() if name in KEPT or not OF_A_USER.match(name)}


def fixed(variables: Mapping[str, str]) -> dict[str, str]:
    """Variables that every run has; the number of threads is what somebody asked for, or one."""
    return {"OMP_NUM_THREADS": variables.get("OMP_NUM_THREADS", "1"), "PYTHONHASHSEED": "0"}


def surroundings(variables: Mapping[str, str], own: Mapping[str, str], scratch: Path, cache: Path) -> dict[str, str]:
    """All variables of a kernel.

    Args:
        variables: those of the process that starts it.
        own: those of the run, which go before.
        scratch: a folder that ends with the run, for what IPython and Jupyter keep, and all temporary files.
        cache: a folder that stays, for matplotlib's list of fonts; in the scratch folder if it cannot be written to.
    """
    folders = {name: str(scratch / name.lower()) for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR")}
    matplotlib = str(_writable(cache / "matplotlib", scratch / "matplotlib"))
    return neutral(variables) | folders | {"MPLCONFIGDIR": matplotlib, "TMPDIR": str(scratch), "PYTHONUTF8": "1"} | dict(own)


def recorded(variables: Mapping[str, str]) -> dict[str, str]:
    """Those variables that change how things are computed; they belong in the record of a run.

    >>> recorded({"MKL_NUM_THREADS": "2", "TORCH_HOME": "/home/ada", "USER": "ada"})
    {'MKL_NUM_THREADS': '2'}
    """
    return {name: variables[name] for name in sorted(variables) if COMPUTE.fullmatch(name) and not PLACE.fullmatch(name)}


def _writable(folder: Path, otherwise: Path) -> Path:
    for candidate in (folder, otherwise):
        try:
            candidate.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(candidate, os.W_OK):
            return candidate
    return otherwise
