"""Tests of `schema/incidents`."""
