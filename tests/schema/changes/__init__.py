"""Tests of `schema/changes`."""
