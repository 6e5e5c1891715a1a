"""The entry point of the command ``ddbook``."""

from __future__ import annotations

import sys
from typing import NoReturn

import ddlib
from ddlib.console import EXIT, say, speaking
from ddlib.files import InputError


def main() -> NoReturn:
    """Run the command: wrong input, or a package that is not installed, is one sentence and exit status 2."""
    raise SystemExit(speaking("ddbook", _answer))


def _answer() -> int:
    if sys.argv[1:2] == ["--version"]:
        say(f"ddbook, with ddlib {ddlib.__version__}")
        return EXIT["ok"]
    if sys.argv[1:2] == ["merge"]:
        raise InputError("the merge of tables is of the library: `ddlib merge`")
    try:
        from typer.exceptions import TyperException

        from ddbook.press.cli import app

        try:
            status = app(sys.argv[1:] or ["--help"], standalone_mode=False)
        except TyperException as error:
            raise InputError(f"{_first_line(error)}: `ddbook --help` shows what there is") from None
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in ("ddlib", "ddbook", ""):
            raise
        raise InputError(f"this takes the package {package}: pip install 'ddbook[book]'") from None
    return status or EXIT["ok"]


def _first_line(error: Exception) -> str:
    """What Typer says is wrong, without its hints and its full stop."""
    message = getattr(error, "format_message", lambda: str(error))()
    return message.partition("\n")[0].rstrip(".")


if __name__ == "__main__":
    main()
