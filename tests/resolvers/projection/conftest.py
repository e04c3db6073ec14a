"""Fixtures of the tests of rebuild and check."""

from tests.fixtures.projection import empty, empty_oracle, main, projected_url

__all__ = ["empty", "empty_oracle", "main", "projected_url"]
