"""Tests of `schema/documents`."""
