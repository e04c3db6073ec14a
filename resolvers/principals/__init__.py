"""Who calls: principals, the tokens and keys that prove them, and why a proof is refused."""
