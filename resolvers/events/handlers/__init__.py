"""Event types by domain: their data and their use cases."""
