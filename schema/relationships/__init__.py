"""Relationships: neighbours, dependencies, dependents and paths of configuration items."""
