"""Tests of `schema/relationships`."""
