"""Questions in words to trusted operations, measured on the demo landscape."""
