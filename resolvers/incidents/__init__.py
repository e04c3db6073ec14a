"""Incidents: use cases, the state machine with its transitions, and loaders."""
