"""Batching: the loader, its waves, and loaders of tables."""
