"""Teams: use cases and loaders."""
