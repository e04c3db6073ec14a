"""Alerts in the main database."""
