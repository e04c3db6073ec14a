"""Workflows: definitions in revisions."""
