"""Workflow definitions in the main database."""
