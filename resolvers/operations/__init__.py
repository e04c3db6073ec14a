"""Questions in words to trusted operations."""
