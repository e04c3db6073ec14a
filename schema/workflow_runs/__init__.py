"""Workflow runs, the attempts at their steps, approvals, and their mutations."""
