"""What every chapter uses: scores of its tables, figures, and the looks and names of methods."""
