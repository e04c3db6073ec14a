"""Tests of `schema/workflow_runs`."""
