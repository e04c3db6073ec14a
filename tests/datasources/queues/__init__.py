"""Queues, against real stores."""
