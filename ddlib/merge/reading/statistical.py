"""Files of SAS, SPSS and Stata: codes stay numbers, and what the file itself calls missing is missing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ddlib.extras import needed

if TYPE_CHECKING:
    import pandas as pd

PACKAGES = {
    ".sas7bdat": "a SAS file",
    ".xpt": "a SAS transport file",
    ".sav": "an SPSS file",
    ".zsav": "an SPSS file",
    ".dta": "a Stata file",
}
"""What the endings mean."""


def read_statistical(path: Path, encoding: str | None) -> tuple[pd.DataFrame, list[str]]:
    """The cells of a file of one of the packages, and what was found about it.

    Labels of values are not applied: a column with codes is numbers. Values that the file declares as missing, SAS's .A to .Z and
    Stata's .a to .z are missing. Dates are datetime64.

    Raises:
        ModuleNotFoundError: if the package pyreadstat is not installed.
    """
    import pandas as pd

    package = needed("pyreadstat", "formats")
    ending = path.suffix.lower()
    reader = {
        ".sas7bdat": package.read_sas7bdat,
        ".xpt": package.read_xport,
        ".sav": package.read_sav,
        ".zsav": package.read_sav,
        ".dta": package.read_dta,
    }[ending]
    given: dict[str, Any] = {"encoding": encoding} if encoding is not None and ending == ".xpt" else {}  # the others say their own
    frame, about = reader(str(path), dates_as_pandas_datetime=True, **given)
    for name in frame.columns:
        if frame[name].dtype == object:  # dates of which some are missing
            kinds = {type(value).__name__ for value in frame[name] if value is not None and value == value}
            if kinds and kinds <= {"date", "datetime", "Timestamp"}:
                frame[name] = pd.to_datetime(frame[name])
    labelled = [name for name in frame.columns if name in about.variable_value_labels and frame[name].dtype.kind in "if"]
    said = [PACKAGES[ending].split(maxsplit=1)[1].removesuffix(" file")]
    if labelled:
        said.append(f"codes, not labels, of {', '.join(map(repr, labelled[:3]))}{' and others' * (len(labelled) > 3)}")
    return frame, said
