"""The study: what its chapters share, the chapters themselves, and the press that makes the book of them."""
