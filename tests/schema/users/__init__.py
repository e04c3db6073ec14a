"""Tests of `schema/users`."""
