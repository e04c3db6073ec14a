"""Tests of `schema/requirements`."""
