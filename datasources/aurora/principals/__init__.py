"""API keys in the main database."""
