"""Tests of `resolvers/change_feed`."""
