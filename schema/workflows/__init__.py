"""Workflows: definitions of steps and a trigger, in revisions."""
