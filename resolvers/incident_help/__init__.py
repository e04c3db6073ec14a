"""Incident help: similar past incidents, and a summary of what is known."""
