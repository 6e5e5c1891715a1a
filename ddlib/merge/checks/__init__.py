"""What a reader should be warned of before using a merged table."""
