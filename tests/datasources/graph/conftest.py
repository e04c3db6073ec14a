"""Every graph adapter behind one fixture: a new adapter is one more entry of `load`."""

from collections.abc import AsyncIterator

import pytest

from datasources.aurora.driver.database import Database
from datasources.config import ReachStrategy
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.graph.gremlin.adapter import GremlinGraph
from datasources.graph.gremlin.client.client import GremlinClient
from datasources.graph.gremlin.projection import GremlinProjection
from datasources.graph.projection import Changes, EdgeChange
from datasources.graph.recursive.adapter import RecursiveGraph
from datasources.request import RequestContext, use_request
from tests.datasources.graph.contract import Load
from tests.fixtures import graph as fixture
from tests.fixtures.databases import create_database
from tests.oracles.graph import Version


@pytest.fixture(scope="session")
def graph_url(postgres: EmbeddedPostgres) -> str:
    """A database of its own, as each test truncates its relationships."""
    return create_database(postgres, "graph")


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


@pytest.fixture(scope="session")
def load_gremlin(gremlin_client: GremlinClient) -> Load:
    return into(GremlinProjection(gremlin_client), GremlinGraph(gremlin_client))


@pytest.fixture(scope="session")
def load_frontier(gremlin_client: GremlinClient) -> Load:
    return into(GremlinProjection(gremlin_client), GremlinGraph(gremlin_client, ReachStrategy.FRONTIER))


def into(projection: GremlinProjection, graph: GremlinGraph) -> Load:
    """Make the versions all that a store holds, by the projection's own writes."""

    async def load(versions: list[Version]) -> GremlinGraph:
        with use_request(RequestContext()):
            await projection.clear()
            await projection.apply(Changes(edges=tuple(map(EdgeChange, versions))))
        return graph

    return load


@pytest.fixture(scope="session")
def load_neptune(neptune_client: GremlinClient) -> Load:
    return into(GremlinProjection(neptune_client), GremlinGraph(neptune_client))


@pytest.fixture(scope="session")
def load_janusgraph(janusgraph_client: GremlinClient) -> Load:
    return into(GremlinProjection(janusgraph_client, edge_ids=False), GremlinGraph(janusgraph_client))


ADAPTERS = ["recursive", "gremlin", "frontier", "neptune", "janusgraph"]


@pytest.fixture(scope="session", params=ADAPTERS)
def load(request: pytest.FixtureRequest, postgres: EmbeddedPostgres) -> Load:
    """Put these versions into a store and give the graph on it: every adapter."""
    loader: Load = request.getfixturevalue(f"load_{request.param}")
    return loader


@pytest.fixture(scope="session", params=ADAPTERS)
def load_history(request: pytest.FixtureRequest, postgres: EmbeddedPostgres) -> Load:
    """The same for the adapters that know the past."""
    loader: Load = request.getfixturevalue(f"load_{request.param}")
    return loader
