"""Tests of `schema/declarations`."""
