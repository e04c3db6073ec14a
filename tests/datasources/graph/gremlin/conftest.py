"""Fixtures of the tests of the projection in a Gremlin store."""

from tests.fixtures.projection import empty, empty_gremlin, empty_janusgraph, empty_neptune, empty_oracle

__all__ = ["empty", "empty_gremlin", "empty_janusgraph", "empty_neptune", "empty_oracle"]
