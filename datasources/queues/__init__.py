"""Queues of messages, and which one is used."""
