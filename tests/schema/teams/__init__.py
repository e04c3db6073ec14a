"""Tests of `schema/teams`."""
