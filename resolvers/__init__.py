"""What the answers mean: use cases, access rules and loaders; knows no GraphQL type and no SQL."""
