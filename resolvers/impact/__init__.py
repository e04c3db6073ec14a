"""Impact of failures: use cases, the fixed point of failures, and loaders."""
