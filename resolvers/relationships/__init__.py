"""Relationships and redundancy groups: use cases and loaders."""
