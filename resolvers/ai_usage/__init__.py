"""Usage of language models: totals, budgets and alerts from the ledger of calls."""
