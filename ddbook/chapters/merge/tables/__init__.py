"""Chapter 08: simulated hospitals whose truth is known, and the pictures of a merge."""
