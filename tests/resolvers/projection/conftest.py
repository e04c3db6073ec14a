"""Fixtures of the tests of rebuild and check."""

from tests.fixtures.projection import (
    empty,
    empty_gremlin,
    empty_janusgraph,
    empty_neptune,
    empty_oracle,
    main,
    projected_url,
)

__all__ = [
    "empty",
    "empty_gremlin",
    "empty_janusgraph",
    "empty_neptune",
    "empty_oracle",
    "main",
    "projected_url",
]
