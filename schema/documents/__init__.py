"""Documents: runbooks and knowledge."""
