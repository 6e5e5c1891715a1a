"""Running the study: one notebook at a time, the book from all of them, and what they record."""

from ddlib.study.record import Recorder

__all__ = ["Recorder"]
