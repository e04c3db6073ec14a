"""Every graph adapter behind one fixture: a new adapter is one more entry of `load`."""

from collections.abc import AsyncIterator

import psycopg
import pytest

from datasources.aurora.database import Database
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.graph.recursive.adapter import RecursiveGraph
from tests.datasources.graph.contract import Load
from tests.fixtures import graph as fixture
from tests.oracles.graph import Version
from workers.migrations import migrate


@pytest.fixture(scope="session")
def graph_url(postgres: EmbeddedPostgres) -> str:
    """A database of its own, as each test truncates its relationships."""
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE graph")
    migrate("main", postgres.url("graph"))
    return postgres.url("graph")


@pytest.fixture(scope="session")
async def database(graph_url: str) -> AsyncIterator[Database]:
    source = Database("main", graph_url, pool_max=2)
    yield source
    await source.close()


@pytest.fixture(scope="session")
def load_recursive(graph_url: str, database: Database) -> Load:
    async def load(versions: list[Version]) -> RecursiveGraph:
        fixture.load(graph_url, versions)
        return RecursiveGraph(database)

    return load


@pytest.fixture(scope="session", params=["recursive"])
def load(request: pytest.FixtureRequest, postgres: EmbeddedPostgres) -> Load:
    """Put these versions into a store and give the graph on it: every adapter."""
    loader: Load = request.getfixturevalue(f"load_{request.param}")
    return loader


@pytest.fixture(scope="session", params=["recursive"])
def load_history(request: pytest.FixtureRequest, postgres: EmbeddedPostgres) -> Load:
    """The same for the adapters that know the past."""
    loader: Load = request.getfixturevalue(f"load_{request.param}")
    return loader
