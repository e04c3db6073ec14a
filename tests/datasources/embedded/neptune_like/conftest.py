"""A double in front of the transactional server, and a name for each test's own elements."""

import uuid
from collections.abc import Iterator

import pytest

from datasources.embedded.gremlin import EmbeddedGremlin
from datasources.embedded.neptune_like import NeptuneLike


@pytest.fixture
def double(transactional_server: EmbeddedGremlin) -> Iterator[NeptuneLike]:
    """A double without faults, with IAM off."""
    with NeptuneLike(transactional_server.url) as double:
        yield double


@pytest.fixture
def name() -> str:
    """An id that no other test uses."""
    return f"double-{uuid.uuid4()}"
