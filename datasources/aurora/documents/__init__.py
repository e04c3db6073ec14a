"""Documents in the main database."""
