"""Teams in the main database."""
