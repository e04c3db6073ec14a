"""Workflows: definitions checked and published, and their runs carried from step to step."""
