"""Tests of `schema/ai_usage`."""
