"""Configuration items in the main database."""
