"""Requirements: what configuration items must do or be."""
