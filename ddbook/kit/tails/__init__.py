"""What chapters 09 to 12 share: random draws, words, the classical solver as a row."""
