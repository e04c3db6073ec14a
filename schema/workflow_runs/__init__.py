"""Workflow runs: states of attempts, approvals and steps, and the mutations that drive them."""
