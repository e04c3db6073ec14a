"""Events that come in: CloudEvents read, sent on, and their effects."""
