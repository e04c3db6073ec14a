"""Configuration items: use cases and loaders."""
