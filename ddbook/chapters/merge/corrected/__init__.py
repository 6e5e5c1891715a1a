"""Chapter 04, the corrected protocol: its experiment, its tables and its pictures."""
