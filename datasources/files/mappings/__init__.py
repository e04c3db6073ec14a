"""Mappings: which column becomes which field, and how its values are converted."""
