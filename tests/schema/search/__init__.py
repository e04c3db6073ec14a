"""Tests of `schema/search`."""
