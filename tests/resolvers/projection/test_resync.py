"""A graph that was emptied behind our back is told everything again; one that is whole costs one look."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from datasources.aurora.driver.database import Database
from datasources.config import GraphSettings
from datasources.embedded.engines import TINKERGRAPH
from datasources.graph.completeness import CompletenessMarker
from datasources.graph.gremlin.client.client import GremlinClient
from datasources.graph.gremlin.completeness import GremlinCompletenessMarker
from datasources.graph.gremlin.projection import GremlinProjection
from datasources.graph.gremlin.source import g
from datasources.sources import Sources
from resolvers.projection.follow import OutboxProjector
from resolvers.projection.resync import ensure_complete
from tests.fixtures.following import PutEdge, PutItem, emptied, sources_of, write
from tests.fixtures.graph import node
from tests.fixtures.gremlin import started
from tests.fixtures.projection import holds


@pytest.fixture(scope="module")
async def own_client() -> AsyncIterator[GremlinClient]:
    """A client of a server that no other test empties."""
    with started(TINKERGRAPH) as server:
        opened = GremlinClient(GraphSettings(url=server.url))
        yield opened
        await opened.close()


@pytest.fixture(params=["own", "neptune", "janusgraph"])
def client(request: pytest.FixtureRequest) -> GremlinClient:
    """A client of an engine of each kind."""
    found: GremlinClient = request.getfixturevalue(f"{request.param}_client")
    return found


@pytest.fixture
async def sources(client: GremlinClient, projected_url: str, main: Database) -> Sources:
    """Two items and a relationship, an empty graph, and what follows the one with the other."""
    emptied(projected_url)
    await client.submit(g.V().drop(), "empty", writes=True)
    write(projected_url, PutItem(1), PutItem(2), PutEdge(1, 1, 2))
    projection = GremlinProjection(client, edge_ids=False)
    made = replace(sources_of(main, projection), completeness_marker=GremlinCompletenessMarker(client))
    await OutboxProjector(made).run_until_done()
    return made


async def nodes(sources: Sources) -> list[str]:
    assert sources.projection is not None
    return (await holds(sources.projection))[0]


async def test_an_emptied_graph_is_told_everything_again(sources: Sources, client: GremlinClient) -> None:
    first = await ensure_complete(sources)
    assert first is not None
    assert (first.differences, first.left) == (0, 0)
    assert await ensure_complete(sources) is None
    await client.submit(g.V().drop(), "empty", writes=True)
    again = await ensure_complete(sources)
    assert again is not None
    assert (again.differences, again.repaired, again.left) == (3, 3, 0)
    assert await nodes(sources) == [node(1), node(2)]
    assert await ensure_complete(sources) is None


async def test_one_that_is_emptied_while_it_is_told_is_not_whole(sources: Sources, client: GremlinClient) -> None:
    class Emptied:
        """Marks of a store that is emptied in front of its second mark."""

        def __init__(self, inner: CompletenessMarker) -> None:
            self.is_complete, self.begin, self._inner = inner.is_complete, inner.begin, inner

        async def finish(self) -> bool:
            await client.submit(g.V().drop(), "empty", writes=True)
            return await self._inner.finish()

    marks = sources.completeness_marker
    assert marks is not None
    assert await ensure_complete(replace(sources, completeness_marker=Emptied(marks))) is not None
    assert not await marks.is_complete()
    again = await ensure_complete(sources)
    assert again is not None
    assert again.repaired == 3
    assert await marks.is_complete()


async def test_a_rebuild_that_clears_leaves_the_marks(sources: Sources) -> None:
    assert await ensure_complete(sources) is not None
    assert sources.projection is not None
    await sources.projection.clear()
    assert (await nodes(sources), await ensure_complete(sources)) == ([], None)


async def test_no_graph_is_nothing_to_do(main: Database) -> None:
    assert await ensure_complete(sources_of(main, None)) is None
