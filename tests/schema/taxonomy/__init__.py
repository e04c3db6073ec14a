"""Tests of `schema/taxonomy`."""
