"""The stateless parts: functions, gateway, rollout."""
