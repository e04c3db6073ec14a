"""The landscape of the benchmarks is the same at each making, and one cycle goes through all of it."""

from collections.abc import Iterator

import psycopg
import pytest

from bench.landscape import Landscape, item_id, items, load, relationships
from datasources.aurora.driver.database import Database
from datasources.graph.port import Direction, Walk
from datasources.graph.recursive.adapter import RecursiveGraph

SMALL = Landscape(items=40, degree=3, incidents=25, seed=7)


@pytest.fixture
def loaded(graph_url: str) -> Iterator[dict[str, int]]:
    tables = (
        "relationships, relationship_types, configuration_item_classes, configuration_items, incidents, "
        "incident_configuration_items"
    )
    with psycopg.connect(graph_url, autocommit=True) as connection:
        connection.execute(f"TRUNCATE {tables} CASCADE".encode())
        sent: dict[str, int] = {}
        load(graph_url, SMALL, lambda table, rows: sent.update({table: rows}))
        yield sent
        connection.execute(f"TRUNCATE {tables} CASCADE".encode())


async def test_every_item_is_in_one_cycle(loaded: dict[str, int], database: Database) -> None:
    assert loaded == {
        "configuration_item_classes": 6,
        "relationship_types": 3,
        "configuration_items": 40,
        "relationships": 120,
        "incidents": 25,
        "incident_configuration_items": 43,
    }
    graph = RecursiveGraph(database)
    [out] = await graph.reach([frozenset([item_id(0)])], Walk(Direction.OUT, max_depth=40))
    [back] = await graph.reach([frozenset([item_id(0)])], Walk(Direction.IN, max_depth=40))
    assert (len(out.nodes), len(back.nodes)) == (39, 39)


def test_a_seed_is_a_landscape() -> None:
    assert list(items(SMALL)) == list(items(SMALL))
    assert list(relationships(SMALL)) == list(relationships(SMALL))
    assert list(relationships(SMALL)) != list(relationships(Landscape(items=40, degree=3, seed=8)))
