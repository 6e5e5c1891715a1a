"""Chapter 06, the limit: how far every way of merging is from the best that the data allow, one condition at a time."""
