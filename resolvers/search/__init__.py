"""Full-text search: use case and loaders."""
