"""Tests of `resolvers/answers`."""
