"""Users, and the viewer, who is the current caller."""
