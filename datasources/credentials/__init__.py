"""Credentials for stores: passwords from Secrets Manager, tokens of IAM."""
