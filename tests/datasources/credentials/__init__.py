"""Credentials against a server that speaks as Secrets Manager does."""
