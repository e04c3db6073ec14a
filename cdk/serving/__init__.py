"""What runs and keeps nothing: functions, gateway, rollout."""
