"""Tests of `resolvers/workflow_runs`."""
