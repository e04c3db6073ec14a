"""Fixtures of the tests of workers."""

from tests.fixtures.projection import empty_gremlin, main, projected_url
__all__ = ["empty_gremlin", "main", "projected_url"]
"""The stores of these tests."""
from tests.fixtures.event_stores import sources, url
__all__ = ["sources", "url"]
