"""Chapters 09 to 12, on boundary values that nobody measured."""
