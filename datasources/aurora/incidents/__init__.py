"""Incidents in the main database."""
