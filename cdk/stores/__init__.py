"""The stateful resources, for an account without any."""
