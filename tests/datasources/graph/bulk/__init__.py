"""Tests of Neptune's bulk load."""
