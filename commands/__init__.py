"""The stackflow command line."""
