"""Alerts that come in from monitoring: notifications read and mapped, and sent on as events."""
