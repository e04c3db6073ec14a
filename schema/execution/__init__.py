"""Execution of GraphQL requests: persisted documents, limits, executor and operation log."""
