"""Clients that are closed after each test, and faulty engines to show them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import Any

import pytest

from datasources.config import GraphSettings
from datasources.embedded.gremlin import EmbeddedGremlin
from datasources.embedded.neptune_like import NeptuneLike
from datasources.graph.gremlin.client import GremlinClient
from datasources.request import RequestContext, use_request
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


@pytest.fixture
def double(gremlin_server: EmbeddedGremlin) -> Iterator[NeptuneLike]:
    """Neptune's ways in front of the engine, without faults yet."""
    with NeptuneLike(gremlin_server.url) as double:
        yield double


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[dict[str, Any]]]:
    """What the client logged in this test, one dictionary a line, with its level."""
    caplog.set_level("DEBUG", "stackflow.graph")

    def read() -> list[dict[str, Any]]:
        return [vars(each) for each in caplog.records if each.name == "stackflow.graph"]

    return read


@contextmanager
def within(seconds: float) -> Iterator[RequestContext]:
    """A call with so many seconds until its deadline."""
    with use_request(RequestContext(deadline=asyncio.get_running_loop().time() + seconds)) as call:
        yield call
