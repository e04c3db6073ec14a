"""Alerts from monitoring: webhooks are parsed, mapped and queued as events."""
