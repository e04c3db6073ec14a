"""Workflows: definitions, their validation, publication and expressions."""
