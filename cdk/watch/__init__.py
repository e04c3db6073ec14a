"""Monitoring: alarms, a dashboard, spending, key changes."""
