"""Configuration items: whatever is managed, and the hub of the graph."""
