"""Property tests draw the same examples in every run, and machines may be slow."""

from hypothesis import settings

settings.register_profile("ddlib", deadline=None, derandomize=True)
settings.load_profile("ddlib")
