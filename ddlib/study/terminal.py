"""What all commands share: exit status, words, and how they speak."""

from __future__ import annotations

import shlex

from rich.console import Console

from ddlib.study.files import InputError

EXIT = {"ok": 0, "failed": 1, "kernel_died": 1, "timeout": 124, "interrupted": 130}
"""Exit status for each end state; 2 is wrong input, before anything started."""


def words(options: str) -> list[str]:
    """Options for Snakemake as a shell would split them.

    Raises:
        InputError: if a quote is not closed.
    """
    try:
        return shlex.split(options)
    except ValueError as error:
        raise InputError(f"the options {options!r} for Snakemake cannot be split into words ({error}): close each quote") from None


def say(text: str, error: bool = False) -> None:
    """Print a line, on the stream for errors if it is one."""
    Console(stderr=error).print(text, markup=False, emoji=False, soft_wrap=True)
