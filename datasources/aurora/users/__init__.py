"""Users in the main database."""
