"""Workflows: definitions, expressions, triggers and runs."""
