"""What every chapter uses: scores of its tables."""
