"""Users, and the viewer."""
