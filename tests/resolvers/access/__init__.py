"""Who may call, against a real issuer and a real database."""
