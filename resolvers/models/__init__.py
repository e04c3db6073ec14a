"""Models: their catalog, the choice of one for a task, and calls within budgets."""
