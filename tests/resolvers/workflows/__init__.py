"""Workflows: what they say, and how runs of them go."""
