"""Users: loaders."""
