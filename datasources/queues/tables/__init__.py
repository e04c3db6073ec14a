"""The queue in tables of the main database."""
