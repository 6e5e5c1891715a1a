"""What the merge tool says when it cannot use its input."""

from __future__ import annotations


class TableError(ValueError):
    """The tables or the options cannot be used; the message is one sentence that says what is wrong and how to mend it."""
