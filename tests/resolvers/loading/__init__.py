"""Tests of `resolvers/loading`."""
