"""What the statements cost: indexes only, and for a super node its fan-out instead of its degree."""

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import psycopg
import pytest

from datasources.aurora.driver.database import Database
from datasources.aurora.statements import Statement
from datasources.graph.port import Direction, Position, StepPosition, Walk
from datasources.graph.recursive.adapter import RecursiveGraph
from datasources.request import RequestContext, use_request
from tests.fixtures.graph import day, edge_id, node

NODES = 10_000
EDGES = 100_000
STAR = 50_000


class Explaining(Database):
    """Runs each statement under EXPLAIN ANALYZE first and keeps the plan."""

    def __init__(self, url: str) -> None:
        # What a plan reads is measured here, not its time: a busy machine must not look like a slow statement.
        super().__init__("main", url, statement_timeout=120.0)
        self.plan: dict[str, Any] = {}

    async def fetch(self, statement: Statement, parameters: Mapping[str, object], *rest: Any) -> list[Any]:
        async with self.connection() as connection:
            text = f"EXPLAIN (ANALYZE, FORMAT JSON) {statement.text}"
            row = await (await connection.execute(text.encode(), parameters)).fetchone()
        assert row is not None
        self.plan = row[0][0]["Plan"]
        return await super().fetch(statement, parameters, *rest)


@pytest.fixture(scope="module")
async def explaining(graph_url: str) -> AsyncIterator[Explaining]:
    """100,000 edges at random among 10,000 nodes, and node 0 with 50,000 more each way; closed versions of all."""
    with psycopg.connect(graph_url, autocommit=True) as connection:
        connection.execute("TRUNCATE relationships, relationship_history")
        connection.execute("SELECT setseed(0.5)")
        for table, extra, value in (
            ("relationships", "", ""),
            ("relationship_history", ", valid_to", ", '2026-01-05+00'::timestamptz"),
        ):
            connection.execute(
                f"""
                INSERT INTO {table} (id, from_id, to_id, type_key, source, attributes, version, impact_from_id,
                                     impact_to_id, valid_from{extra})
                SELECT ('eeeeeeee-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, a, b, 'depends_on', n::text,
                       '{{}}', 1, b, a, '2026-01-01+00'::timestamptz{value}
                FROM (
                    SELECT n, ('00000000-0000-4000-8000-' || lpad(to_hex(a), 12, '0'))::uuid AS a,
                           ('00000000-0000-4000-8000-' || lpad(to_hex(b), 12, '0'))::uuid AS b
                    FROM (
                        SELECT n, 1 + floor(random() * {NODES})::int AS a, 1 + floor(random() * {NODES})::int AS b
                        FROM generate_series(1, {EDGES}) AS n
                        UNION ALL
                        SELECT {EDGES} + n, 0, 1 + n % {NODES} FROM generate_series(1, {STAR}) AS n
                        UNION ALL
                        SELECT {EDGES + STAR} + n, 1 + n % {NODES}, 0 FROM generate_series(1, {STAR}) AS n
                    ) AS numbered
                ) AS made
                """
            )
        # Statistics of all rows instead of a sample, so that each run gets the same plans.
        connection.execute("SET default_statistics_target = 1000")
        connection.execute("VACUUM ANALYZE relationships, relationship_history")
    source = Explaining(graph_url)
    yield source
    await source.close()


def scans(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every scan of a relationships table that ran at least once."""
    if plan.get("Relation Name", "").startswith("relationship") and plan["Actual Loops"]:
        yield plan
    if plan["Node Type"] == "Bitmap Index Scan":
        yield plan
    for child in plan.get("Plans", ()):
        yield from scans(child)


def kinds(plan: dict[str, Any]) -> set[tuple[str, str]]:
    return {(scan["Node Type"], scan.get("Index Name", "")) for scan in scans(plan)}


def rows_read(plan: dict[str, Any]) -> int:
    return sum(
        round((scan["Actual Rows"] + scan.get("Rows Removed by Filter", 0)) * scan["Actual Loops"])
        for scan in scans(plan)
    )


def hash_probes(plan: dict[str, Any]) -> int:
    """How many tests of membership are hash probes; a join in their place may become a loop on larger tables."""
    tests = f"{plan.get('Filter', '')} {plan.get('Join Filter', '')}".count("hashed SubPlan")
    return tests + sum(hash_probes(child) for child in plan.get("Plans", ()))


INDEX = {
    Direction.OUT: {"relationships_outgoing"},
    Direction.IN: {"relationships_incoming"},
    Direction.BOTH: {"relationships_outgoing", "relationships_incoming"},
    Direction.DEPENDENTS: {"relationships_dependents"},
    Direction.DEPENDENCIES: {"relationships_dependencies"},
}


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("types", [None, ("depends_on",)])
async def test_a_reach_reads_one_covering_index(
    explaining: Explaining, direction: Direction, types: tuple[str, ...] | None
) -> None:
    graph = RecursiveGraph(explaining)
    [answer] = await graph.reach([frozenset([node(5)])], Walk(direction, types=types, max_depth=2, fan_out=100))
    assert len(answer.nodes) > 10
    assert kinds(explaining.plan) == {("Index Only Scan", name) for name in INDEX[direction]}


async def test_a_super_node_costs_its_fan_out_and_one_count(explaining: Explaining) -> None:
    graph, super_node = RecursiveGraph(explaining), node(0)
    walk = Walk(Direction.OUT, max_depth=1, fan_out=10)
    [answer] = await graph.reach([frozenset([super_node])], walk)
    assert [cap.degree for cap in answer.capped] == [STAR]
    assert rows_read(explaining.plan) == 11 + STAR
    place = StepPosition(node(9_000), edge_id(0), outgoing=True)
    page = (await graph.neighbours([super_node], walk, place))[super_node]
    assert (len(page.steps), page.degree, page.truncated) == (10, STAR, True)
    # The steps and one more, the facts of each, and the count.
    assert rows_read(explaining.plan) == 11 + 11 + STAR


async def test_only_edges_on_shortest_paths_leave_the_database(explaining: Explaining) -> None:
    graph = RecursiveGraph(explaining)
    with use_request(RequestContext()) as call:
        found = await graph.paths(node(5), node(77), Walk(Direction.OUT, max_depth=9, fan_out=100), 10_000)
    assert not found.truncated
    on_paths = {edge.id for path in found.paths for hop in path.hops for edge in hop}
    assert call.usage.rows == len(on_paths) > 0


async def test_levels_beyond_a_full_page_are_not_read(explaining: Explaining) -> None:
    graph = RecursiveGraph(explaining)
    [one] = await graph.reach([frozenset([node(5)])], Walk(Direction.OUT, max_depth=1, fan_out=100))
    read = rows_read(explaining.plan)
    [page] = await graph.reach([frozenset([node(5)])], Walk(Direction.OUT, max_depth=64, fan_out=100, max_nodes=3))
    assert (page.nodes, page.cursor) == (one.nodes[:3], Position(1, one.nodes[2].id))
    assert rows_read(explaining.plan) == read


@pytest.mark.parametrize("as_of", [None, 2])
async def test_no_verb_scans_a_table(explaining: Explaining, as_of: int | None) -> None:
    graph, ids = RecursiveGraph(explaining), [node(number) for number in range(1, 1_000)]
    walk = Walk(Direction.BOTH, max_depth=4, as_of=None if as_of is None else day(as_of))
    kinds_of_scan = {"Index Scan", "Index Only Scan"}
    if as_of is not None:
        # Validity stands in the rows and not in the indexes, so that a bitmap over an index is as good.
        kinds_of_scan |= {"Bitmap Index Scan", "Bitmap Heap Scan"}
    await graph.neighbours(ids, walk)
    assert {kind for kind, _ in kinds(explaining.plan)} <= kinds_of_scan
    await graph.subgraph([node(number) for number in range(1, NODES)], walk, 1_000)
    # One for each table.
    assert hash_probes(explaining.plan) == (1 if as_of is None else 2)
    assert {kind for kind, _ in kinds(explaining.plan)} <= kinds_of_scan
    await graph.degrees(ids, walk.as_of)
    assert {kind for kind, _ in kinds(explaining.plan)} <= kinds_of_scan
    found = await graph.paths(node(5), node(77), Walk(Direction.OUT, max_depth=9, as_of=walk.as_of), 1)
    assert len(found.paths) == 1
    # Nodes not seen before, and twice the way back from where the sides met.
    assert hash_probes(explaining.plan) == 3
    assert {kind for kind, _ in kinds(explaining.plan)} <= kinds_of_scan
