"""Queues of messages, and the choice of their adapters."""
