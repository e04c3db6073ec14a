"""Tests of `resolvers/workflows/expressions`."""
