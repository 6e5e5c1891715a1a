"""Networks that know the equation or do not, what trains them, and the affine fit."""
