"""How to compute a chapter again: the lines at the end of its page for a shell, for Jupyter and Binder, and for Colab."""

from __future__ import annotations

from collections.abc import Mapping

from ddbook.press.parameters import Parameter
from ddbook.press.provenance import Git, Run


def instructions(run: Run, schema: Mapping[str, Parameter], repository: str) -> str:
    """What a reader types or pastes to get the page again, with the parameters that it was computed with.

    Args:
        run: the record of the run that the page shows.
        schema: the parameters of the notebook that the buttons at the top of the page open.
        repository: the web address of the repository.
    """
    return f"""To run this chapter again, with the same parameters:

```bash
{run.command}
```

{_values(run, schema)}

Colab has neither ddlib nor ddbook: there, run this cell first.{_version(run.git)}

```ipython3
{install_line(run.git, repository)}
```"""


def parameter_lines(run: Run, schema: Mapping[str, Parameter]) -> list[str]:
    """An assignment for each parameter whose value in the run is not the notebook's own."""
    own = {name: parameter.default for name, parameter in schema.items()}
    return [f"{name} = {value!r}" for name, value in run.parameters.items() if name not in own or own[name] != value]


def install_line(git: Git, repository: str) -> str:
    """The cell that installs ddlib and ddbook elsewhere: at the commit of the run if that says all, else the newest version."""
    at = f"@{git.sha}" if git.sha and not git.dirty else ""
    return f'%pip install "ddlib @ git+{repository}{at}" "ddbook @ git+{repository}{at}#subdirectory=ddbook"'


def _values(run: Run, schema: Mapping[str, Parameter]) -> str:
    lines = parameter_lines(run, schema)
    if not lines:
        return "On Binder, on Colab and in Jupyter, the notebook's own values are those of this page: run it as it is."
    shown = "\n".join(lines)
    return f"""On Binder, on Colab and in Jupyter, add this cell below the first one with code, which holds the parameters:

```python
{shown}
```"""


def _version(git: Git) -> str:
    if not git.sha:
        return " It installs the newest version, because the version behind this page is not known."
    if git.dirty:
        return " It installs the newest version, because files behind this page differed from every committed one."
    return " It installs the version behind this page."
