"""Workflow runs in the main database."""
