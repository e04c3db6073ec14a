"""Changes: use cases and loaders."""
