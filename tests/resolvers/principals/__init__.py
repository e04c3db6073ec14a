"""Tests of `resolvers/principals`."""
