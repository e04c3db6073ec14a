"""Imports into the databases: staging by COPY, plans, batches, pending relationships and prune."""
