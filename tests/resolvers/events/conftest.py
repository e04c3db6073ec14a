"""A database of these tests' own."""

from collections.abc import AsyncIterator

import pytest

from datasources.aurora.database import Database
from datasources.cache.off import NoCache
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.graph.recursive.adapter import RecursiveGraph
from datasources.sources import Sources
from tests.fixtures.databases import create_database
from tests.fixtures.events import prepare


@pytest.fixture(scope="session")
def events_url(postgres: EmbeddedPostgres) -> str:
    return create_database(postgres, "events_in")


@pytest.fixture
def url(events_url: str) -> str:
    prepare(events_url)
    return events_url


@pytest.fixture
async def sources(url: str) -> AsyncIterator[Sources]:
    main = Database("main", url)
    yield Sources(main, main, RecursiveGraph(main), NoCache())
    await main.close()
