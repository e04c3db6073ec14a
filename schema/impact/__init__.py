"""Impact: what the failure of configuration items does to others."""
