"""How the sets of a merge are chosen."""
