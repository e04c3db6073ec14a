"""Tests of `schema/http`."""
