"""Writes of classes of configuration items and of relationship types."""
