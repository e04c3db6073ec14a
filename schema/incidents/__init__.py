"""Incidents: unplanned interruptions, their alerts and their state transitions."""
