"""The graph adapter that walks the relationships table with recursive SQL."""
