"""Chapters 11 and 12: distilled sets for the tail that nobody measured, at every level of information, and what they cost."""
