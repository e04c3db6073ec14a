"""Tests of `datasources/aurora`."""
