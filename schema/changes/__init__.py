"""Changes: planned work on configuration items."""
