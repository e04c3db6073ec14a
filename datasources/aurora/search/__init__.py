"""Full-text search in both databases."""
