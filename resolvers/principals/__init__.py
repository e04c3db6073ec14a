"""Authentication: principals, their tokens and API keys, and the errors of invalid ones."""
