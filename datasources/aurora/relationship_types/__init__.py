"""Relationship types in the main database."""
