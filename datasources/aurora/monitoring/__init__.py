"""Backlogs of queues in the main database."""
