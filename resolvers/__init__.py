"""Domain logic: use cases, permission checks and loaders; independent of GraphQL types and SQL."""
