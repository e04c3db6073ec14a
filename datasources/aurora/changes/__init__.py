"""Changes in the main database."""
