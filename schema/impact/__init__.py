"""Impact: the effect of the failure of configuration items on other items."""
