"""Relationships and redundancy groups in the main database."""
