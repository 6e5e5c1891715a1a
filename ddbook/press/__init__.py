"""Running the study: one notebook at a time, the book from all of them, and what they record."""

from ddbook.press.record import Recorder, as_name

__all__ = ["Recorder", "as_name"]
