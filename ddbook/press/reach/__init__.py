"""What code a piece of code reaches, read off the source: by it a run knows whether anything that it can execute has changed."""

from ddbook.press.reach.code import Code
from ddbook.press.reach.plain import plain

__all__ = ["Code", "plain"]
