"""The entry point of the command ``ddbook``."""

from __future__ import annotations

from typing import NoReturn

from ddlib.console import EXIT, say
from ddlib.files import InputError


def main() -> NoReturn:
    """Run the command: wrong input, or a package that is not installed, is one sentence and exit status 2."""
    try:
        from ddbook.press.cli import app

        app()
    except InputError as error:
        say(f"ddbook: {error}", error=True)
        raise SystemExit(2) from None
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in ("ddlib", "ddbook", ""):
            raise
        say(f"ddbook: this takes the package {package}: pip install 'ddbook[book]'", error=True)
        raise SystemExit(2) from None
    raise SystemExit(EXIT["ok"])


if __name__ == "__main__":
    main()
