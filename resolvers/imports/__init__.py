"""Import use cases: plan, write in batches, report."""
