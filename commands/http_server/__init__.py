"""The HTTP server of `stackflow serve`, and the signals that stop it."""
