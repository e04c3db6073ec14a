"""Requirements: rules that configuration items must meet."""
