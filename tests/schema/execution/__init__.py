"""Tests of `schema/execution`."""
