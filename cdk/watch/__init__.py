"""What tells people: alarms, a dashboard, spending, changes of keys."""
