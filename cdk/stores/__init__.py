"""What keeps data, for an account that has none."""
