"""Who we are to a store: passwords from Secrets Manager, tokens of IAM."""
