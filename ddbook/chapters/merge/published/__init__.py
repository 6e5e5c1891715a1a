"""Chapter 05, the released protocol: its task, the data as released and as described, its experiment, tables and pictures."""
