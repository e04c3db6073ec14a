"""Tests of `resolvers/models`."""
