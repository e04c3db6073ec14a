"""Documents: loaders."""
