"""Types of relationships in the main database."""
