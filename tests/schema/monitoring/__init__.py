"""Tests of `schema/monitoring`."""
