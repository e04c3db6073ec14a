"""Clients that are closed after each test, and faulty engines to show them."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from datasources.embedded.gremlin import EmbeddedGremlin
from datasources.graph.gremlin.client import GremlinClient
from datasources.options import GraphSettings
from tests.fixtures.gate import Gate

MakeClient = Callable[..., GremlinClient]


@pytest.fixture
async def make_client(gremlin_server: EmbeddedGremlin) -> AsyncIterator[MakeClient]:
    """A client of the engine, or of the `url` among the settings; `credentials` and `resolve` as it takes them."""
    async with AsyncExitStack() as closing:

        def make(credentials: Any = None, resolve: Any = None, **settings: Any) -> GremlinClient:
            client = GremlinClient(GraphSettings(**{"url": gremlin_server.url, **settings}), credentials, resolve)
            closing.push_async_callback(client.close)
            return client

        yield make


@pytest.fixture
async def gate(gremlin_server: EmbeddedGremlin) -> AsyncIterator[Gate]:
    """An open gate in front of the engine; `url_of` says how a client comes through."""
    gate = Gate(gremlin_server.url)
    await gate.open()
    yield gate
    await gate.shut()


def url_of(gate: Gate) -> str:
    return f"ws://127.0.0.1:{gate.port}/gremlin"
