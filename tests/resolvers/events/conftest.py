"""The stores of these tests."""

from tests.fixtures.event_stores import sources, url

__all__ = ["sources", "url"]
