"""Workers, against real stores."""
