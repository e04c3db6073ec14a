"""Full-text search over all kinds of objects."""
