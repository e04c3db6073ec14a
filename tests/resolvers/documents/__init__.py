"""Tests of resolvers/documents."""
