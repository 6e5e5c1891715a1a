"""Chapter 09: why a network that is trained on one tail of α fails on the other, and what knowledge bridges the gap."""
