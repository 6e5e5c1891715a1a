"""Families of boundary-value problems with a random boundary value, and the classical solver."""
