"""Tests of `datasources/observability`."""
