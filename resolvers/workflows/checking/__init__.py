"""Validation of workflow definitions before they are published."""
