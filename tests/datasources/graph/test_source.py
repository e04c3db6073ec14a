"""What a projection must hold is read whole, in order, in pages of any size."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datasources.aurora.driver.database import Database
from datasources.graph.port import Impact
from datasources.graph.projection import EdgeVersion
from datasources.graph.recursive.source import Counts, RelationalSource
from tests.fixtures.graph import MOMENT, day, edge, edge_id, group_id, node
from tests.fixtures.profiles import examples
from tests.fixtures.projection import NUMBERS, edge_versions, fill, main, projected_url, should_hold

__all__ = ["main", "projected_url"]


@given(items=st.sets(NUMBERS), versions=edge_versions(), size=st.integers(1, 5))
@settings(max_examples=examples(40), suppress_health_check=[HealthCheck.too_slow])
async def test_pages_are_everything_once_in_order(
    projected_url: str, main: Database, items: set[int], versions: list[EdgeVersion], size: int
) -> None:
    fill(projected_url, sorted(items), versions)
    truth = RelationalSource(main)
    nodes, edges = should_hold(sorted(items), versions)
    found: list[str] = []
    while page := await truth.nodes(found[-1] if found else None, size):
        assert len(page) <= size
        found += page
    assert found == nodes
    read: list[EdgeVersion] = []
    while slice_ := await truth.edges(read[-1].edge.id if read else None, size):
        assert len(slice_) <= size
        read += slice_
    assert read == edges
    assert await truth.counts() == Counts(len(nodes), len(edges))
    assert await truth.outgoing_edges(nodes) == sorted(edges, key=lambda each: (each.edge.from_id, each.edge.id))
    assert await truth.existing_nodes([node(number) for number in range(9)]) == set(nodes)


async def test_an_edge_has_all_its_facts(projected_url: str, main: Database) -> None:
    moment = MOMENT.replace(microsecond=123_457)
    versions = [
        EdgeVersion(edge(1, 1, 2, "runs on", Impact.REVERSE, group=4), moment),
        EdgeVersion(edge(2, 1, 2, "a", Impact.FORWARD), day(1)),
        EdgeVersion(edge(3, 2, 1, "a", Impact.NONE), day(2)),
        EdgeVersion(edge(4, 5, 5, "a", Impact.REVERSE), day(3)),
    ]
    fill(projected_url, [], versions)
    found = await RelationalSource(main).edges(None, 10)
    assert found[:3] == versions[:3]
    assert (found[0].edge.group_id, found[0].valid_from) == (group_id(4), moment)
    # Impact through a self-loop is forward whichever way it was written.
    assert found[3] == EdgeVersion(edge(4, 5, 5, "a", Impact.FORWARD), day(3))
    assert {version.valid_from.utcoffset() for version in found} == {day(0).utcoffset()}


async def test_nodes_are_asked_for_by_ids(projected_url: str, main: Database) -> None:
    versions = [EdgeVersion(edge(number, *ends), MOMENT) for number, ends in enumerate([(1, 2), (3, 1), (4, 5)], 1)]
    fill(projected_url, [9], versions)
    truth = RelationalSource(main)
    asked = [node(2), node(3), node(7), node(9), "no id", node(3).upper()]
    assert await truth.existing_nodes(asked) == {node(2), node(3), node(9)}
    assert await truth.existing_nodes([]) == frozenset()
    assert await truth.outgoing_edges([node(1), node(2), "no id"]) == versions[:1]
    assert await truth.adjacent_edges([node(1), "no id"]) == versions[:2]
    assert await truth.edges_by_ids([edge_id(3), edge_id(8), "no id"]) == versions[2:]


@pytest.mark.parametrize("read", ["nodes_page", "edges_page", "edges_leaving"])
async def test_a_page_stops_on_an_index(projected_url: str, main: Database, read: str) -> None:
    """No pass over a table for each page: whatever sorts, sorts what an index gave."""
    from datasources.aurora.statements import statements

    fill(projected_url, range(1, 400), [EdgeVersion(edge(n, n % 399 + 1, 1), MOMENT) for n in range(1, 2_000)])
    known = statements("graph/projection")
    statement = known[read]
    text = statement.fill_slots(columns=known["edge_columns"].text).text if statement.slots else statement.text
    async with main.connection() as connection:
        await connection.execute("ANALYZE configuration_items, relationships")
        cursor = await connection.execute(
            f"EXPLAIN {text}".encode(), {"after": node(3), "most": 5, "ids": [node(2), node(3)]}
        )
        plan = "\n".join(row[0] for row in await cursor.fetchall())
    assert "Index" in plan
    assert "Seq Scan" not in plan
