"""Tests of `schema/impact`."""
