"""Tests of `resolvers/impact`."""
