"""Tests of `resolvers/ai_usage`."""
