"""What chapters 04 and 06 share: their networks and hospitals, and what the measurements allow."""
