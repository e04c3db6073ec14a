"""Tests of `schema/workflows`."""
