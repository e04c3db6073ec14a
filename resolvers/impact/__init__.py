"""Impact of failures: use cases, fixed-point computation, and loaders."""
