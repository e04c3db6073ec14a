"""Events that come in."""
