"""Which graph a walk runs on: the store, or the tables while the store does not hold what the call must see."""

from collections.abc import Iterator

import psycopg
import pytest

from datasources.aurora.driver.database import Database
from datasources.config import GraphSettings
from datasources.embedded.gremlin import EmbeddedGremlin
from datasources.graph.gremlin.client.client import GremlinClient
from datasources.graph.gremlin.factory import open_gremlin
from datasources.graph.gremlin.projection import GremlinProjection
from datasources.graph.port import Direction, Graph, Reached, Walk
from datasources.graph.projection import Changes, EdgeChange
from datasources.request import RequestContext, use_request
from tests.fixtures.graph import edge, links, node

WALK = Walk(Direction.OUT)


@pytest.fixture
def writer(graph_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(graph_url) as connection:
        connection.execute("TRUNCATE relationships, relationship_history, outbox")
        connection.commit()
        yield connection


def relate(writer: psycopg.Connection, number: int, tail: int, head: int) -> int:
    """One relationship, committed; the number of its transaction."""
    made = edge(number, tail, head)
    writer.execute(
        "INSERT INTO relationships (id, from_id, to_id, type_key, source) VALUES (%s, %s, %s, %s, 'test')",
        (made.id, made.from_id, made.to_id, made.type),
    )
    row = writer.execute("SELECT pg_current_xact_id()::text::bigint").fetchone()
    writer.commit()
    assert row is not None
    return int(row[0])


async def reached(graph: Graph, call: RequestContext) -> list[int]:
    with use_request(call):
        [answer] = await graph.reach([frozenset([node(1)])], WALK)
    found: tuple[Reached, ...] = answer.nodes
    return [int(each.id[-12:], 16) for each in found]


async def test_a_call_sees_its_write_while_the_graph_lags(
    writer: psycopg.Connection, database: Database, gremlin_server: EmbeddedGremlin, gremlin_client: GremlinClient
) -> None:
    projection = GremlinProjection(gremlin_client)
    with use_request(RequestContext()):
        await projection.clear()
        await projection.apply(Changes(edges=tuple(map(EdgeChange, links((1, 2))))))
    graph, _, _ = open_gremlin(GraphSettings(url=gremlin_server.url), database)
    first = relate(writer, 1, 1, 2)
    second = relate(writer, 2, 2, 3)
    # Who asks for nothing gets what the graph holds; who wrote gets what was written, and that is not second best.
    assert await reached(graph, RequestContext()) == [2]
    # Neither does the graph lag behind a write of another database, nor is anybody asked whether it does.
    asking = RequestContext(min_transaction=0)
    assert (await reached(graph, asking), asking.usage.sql, asking.usage.traversals) == ([2], 0, 1)
    asking = RequestContext(min_transaction=second)
    assert await reached(graph, asking) == [2, 3]
    assert (asking.degraded, asking.usage.sql, asking.usage.graph, asking.usage.traversals) == (set(), 1, 1, 0)

    writer.execute("UPDATE outbox SET projected = true WHERE transaction = %s::text::xid8", (str(first),))
    writer.commit()
    # Who wrote twice sends the later number, of a write that the graph need not know of.
    [(third,)] = writer.execute("SELECT pg_current_xact_id()::text::bigint").fetchall()
    writer.commit()
    assert await reached(graph, RequestContext(min_transaction=third)) == [2, 3]
    # What the graph holds of the first write is enough for it.
    asking = RequestContext(min_transaction=first)
    assert await reached(graph, asking) == [2]
    assert asking.usage.traversals == 1
    # What will never be projected is not waited for.
    writer.execute("UPDATE outbox SET refused = 'poison' WHERE NOT projected")
    writer.commit()
    asking = RequestContext(min_transaction=second)
    assert await reached(graph, asking) == [2]
    await graph.close()
