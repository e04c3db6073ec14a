"""Imports as use cases: plan, batches, report."""
