"""What the merge tool says when it cannot use its input."""

from __future__ import annotations

__all__ = ["TableError"]


class TableError(ValueError):
    """The tables or the options cannot be used; the message is one sentence that says what is wrong and how to mend it.

    >>> raise TableError("there is one table only: give two at least")
    Traceback (most recent call last):
        ...
    ddlib.merge.errors.TableError: there is one table only: give two at least
    """
