"""Incoming CloudEvents: ingestion, parsing and effects."""
