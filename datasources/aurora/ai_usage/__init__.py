"""Calls of language models and their budgets, in the main database."""
