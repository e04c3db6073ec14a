"""Classes of configuration items and types of relationships: use cases and loaders."""
