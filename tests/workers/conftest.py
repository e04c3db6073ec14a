"""Fixtures of the tests of workers."""

from tests.fixtures.event_stores import sources, url
from tests.fixtures.projection import empty_gremlin, main, projected_url

__all__ = ["empty_gremlin", "main", "projected_url", "sources", "url"]
