"""Inbound events in the main database."""
