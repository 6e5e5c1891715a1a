"""How sets of collocation points are chosen."""
