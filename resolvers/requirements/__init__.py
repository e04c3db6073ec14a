"""Requirements: use cases and loaders."""
