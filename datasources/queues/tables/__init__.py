"""The queue as tables of the main database."""
