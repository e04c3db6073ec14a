"""The laws of the graph port, held by every adapter."""
