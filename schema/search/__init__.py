"""Full-text search over all kinds."""
