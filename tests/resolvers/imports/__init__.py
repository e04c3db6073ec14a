"""Tests of resolvers/imports."""
