"""Property tests draw the same examples in every run, and machines may be slow."""

from pathlib import Path

from hypothesis import settings

ROOT = Path(__file__).parents[1]
"""The folder of the project."""

settings.register_profile("ddlib", deadline=None, derandomize=True)
settings.load_profile("ddlib")
