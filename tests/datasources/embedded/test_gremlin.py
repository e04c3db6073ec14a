"""A Gremlin server as a child."""

import pytest

from datasources.embedded.gremlin import EmbeddedGremlin
from datasources.embedded.question import ask


@pytest.mark.parametrize("name", ["gremlin_server", "transactional_server"])
def test_a_started_server_answers_a_traversal(name: str, request: pytest.FixtureRequest) -> None:
    server: EmbeddedGremlin = request.getfixturevalue(name)
    assert ask(server.port, 5.0).code == 200


def test_janusgraph_answers_a_traversal(janusgraph_server: EmbeddedGremlin) -> None:
    assert ask(janusgraph_server.port, 5.0).code == 200
