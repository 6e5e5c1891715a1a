"""Chapters 04 to 08, on merging hospitals."""
