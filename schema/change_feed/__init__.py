"""The change feed: what changed since a cursor."""
