"""Batching: the loader, its waves, and loaders over tables."""
