"""A check counts exactly what differs, believes nothing that was being written, and mends only what differs."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace

import pytest

from datasources.aurora.driver.database import Database
from datasources.graph.port import Impact
from datasources.graph.projection import Changes, EdgeChange, EdgeVersion, NodeChange, Projection
from datasources.graph.recursive.source import RelationalSource
from resolvers.projection.check import check
from resolvers.projection.edges import EdgeComparison, find_differences
from resolvers.projection.reports import MAX_EXAMPLES, CheckReport, Difference, RebuildPhase
from tests.fixtures.graph import MOMENT, day, edge, node
from tests.fixtures.projection import Empty, Failing, Meeting, fill, holds, should_hold
from tests.oracles.projection import OracleProjection


def version(number: int, tail: int, head: int, **over: object) -> EdgeVersion:
    return EdgeVersion(edge(number, tail, head, **over), MOMENT)  # type: ignore[arg-type]


ITEMS = [1, 2, 3, 4]
TABLES = [version(1, 1, 2), version(2, 2, 3, group=1), version(3, 3, 1), version(4, 3, 3, impact=Impact.NONE)]


async def put(projection: Projection, nodes: Sequence[int], versions: Sequence[EdgeVersion]) -> None:
    await projection.apply(
        Changes(tuple(NodeChange(node(number)) for number in nodes), tuple(EdgeChange(each) for each in versions))
    )


def counts(report: CheckReport) -> tuple[int, int, int, int, int]:
    return (
        report.missing_nodes.count,
        report.extra_nodes.count,
        report.missing_edges.count,
        report.extra_edges.count,
        report.different_edges.count,
    )


async def test_alike_is_no_difference(projected_url: str, main: Database, empty: Empty) -> None:
    fill(projected_url, ITEMS, TABLES)
    projection = await empty()
    await put(projection, ITEMS, TABLES)
    report = await check(main, projection)
    assert (report.nodes, report.edges, report.differences, report.repaired) == (4, 4, 0, None)
    assert report == replaced(CheckReport(nodes=4, edges=4), seconds=report.seconds)


def replaced(report: CheckReport, seconds: float) -> CheckReport:
    report.seconds = seconds
    return report


@pytest.mark.parametrize(
    "held",
    [
        replace(TABLES[1], valid_from=day(1)),
        replace(TABLES[1], edge=edge(2, 2, 4, group=1)),
        replace(TABLES[1], edge=edge(2, 2, 3, type="other", group=1)),
        replace(TABLES[1], edge=edge(2, 2, 3, impact=Impact.FORWARD, group=1)),
        replace(TABLES[1], edge=edge(2, 2, 3, group=2)),
        replace(TABLES[1], edge=edge(2, 2, 3)),
    ],
    ids=["valid_from", "to_id", "type", "impact", "group", "no group"],
)
async def test_every_fact_of_an_edge_counts(
    projected_url: str, main: Database, empty: Empty, held: EdgeVersion
) -> None:
    fill(projected_url, ITEMS, TABLES)
    projection = await empty()
    await put(projection, ITEMS, [TABLES[0], held, *TABLES[2:]])
    report = await check(main, projection)
    assert (counts(report), report.different_edges.examples) == ((0, 0, 0, 0, 1), [Difference(TABLES[1], held)])
    report = await check(main, projection, repair=True)
    assert (counts(report), report.repaired, report.left) == ((0, 0, 0, 0, 1), 1, 0)
    assert await holds(projection) == should_hold(ITEMS, TABLES)


async def test_each_kind_is_counted_and_then_mended(projected_url: str, main: Database, empty: Empty) -> None:
    fill(projected_url, [*ITEMS, 5], TABLES)
    closed = EdgeVersion(edge(9, 1, 2), MOMENT, day(1))
    extra = [version(20, 4, 1), version(21, 8, 9), version(22, 1, 9), closed]
    different = replace(TABLES[0], valid_from=day(3))
    projection = await empty()
    # 4 and 5 are missing as nodes but for the end of an edge; 8 and 9 are too many.
    await put(projection, [1, 2, 3], [different, TABLES[1], *extra])
    report = await check(main, projection, page=2)
    assert counts(report) == (1, 2, 2, 4, 1)
    assert (report.missing_nodes.examples, report.extra_nodes.examples) == ([node(5)], [node(8), node(9)])
    assert report.missing_edges.examples == [Difference(TABLES[2], None), Difference(TABLES[3], None)]
    assert {each.held for each in report.extra_edges.examples} == set(extra)
    assert report.different_edges.examples == [Difference(TABLES[0], different)]
    report = await check(main, projection, repair=True, page=2)
    assert (counts(report), report.differences, report.repaired, report.left) == ((1, 2, 2, 4, 1), 10, 10, 0)
    assert await holds(projection) == should_hold([*ITEMS, 5], TABLES)


async def test_a_repair_sends_the_differences_and_nothing_else(projected_url: str, main: Database) -> None:
    fill(projected_url, [*ITEMS, 5], TABLES)
    projection = OracleProjection()
    await put(projection, [*ITEMS, 9], [TABLES[0], TABLES[1], TABLES[2], version(20, 4, 1)])
    projection.applied.clear()
    await check(main, projection, repair=True)
    assert projection.applied == [
        Changes(nodes=(NodeChange(node(5)),)),
        Changes(edges=(EdgeChange(version(20, 4, 1), removed=True),)),
        Changes(edges=(EdgeChange(TABLES[3]),)),
        Changes(nodes=(NodeChange(node(9), removed=True),)),
    ]
    projection.applied.clear()
    assert (await check(main, projection, repair=True)).repaired == 0
    assert projection.applied == []


async def test_an_edge_of_another_shape_is_removed_first(projected_url: str, main: Database) -> None:
    """An engine can't move or relabel an edge."""
    fill(projected_url, ITEMS, TABLES[:1])
    held = version(1, 1, 3)
    projection = OracleProjection()
    await put(projection, ITEMS, [held])
    projection.applied.clear()
    await check(main, projection, repair=True)
    assert projection.applied == [
        Changes(edges=(EdgeChange(held, removed=True),)),
        Changes(edges=(EdgeChange(TABLES[0]),)),
    ]


async def test_an_edge_of_the_same_shape_is_written_over(projected_url: str, main: Database) -> None:
    """So that no walk misses it meanwhile."""
    fill(projected_url, ITEMS, TABLES[:1])
    projection = OracleProjection()
    await put(projection, ITEMS, [replace(TABLES[0], valid_from=day(1))])
    projection.applied.clear()
    await check(main, projection, repair=True)
    assert projection.applied == [Changes(edges=(EdgeChange(TABLES[0]),))]


async def test_a_version_of_before_is_extra_beside_the_one_that_is(
    projected_url: str, main: Database, empty: Empty
) -> None:
    fill(projected_url, ITEMS, [replace(TABLES[0], valid_from=day(2))])
    projection = await empty()
    closed = replace(TABLES[0], valid_to=day(2))
    await put(projection, ITEMS, [closed, replace(TABLES[0], valid_from=day(2))])
    report = await check(main, projection, repair=True)
    assert (counts(report), report.extra_edges.examples) == ((0, 0, 0, 1, 0), [Difference(None, closed)])
    assert await holds(projection) == should_hold(ITEMS, [replace(TABLES[0], valid_from=day(2))])


def test_an_old_edge_beside_the_true_one_is_the_one_too_many() -> None:
    """As an engine that takes no ids of edges may hold them."""
    newer = replace(TABLES[0], valid_from=day(5))
    for held in ([TABLES[0], newer], [newer, TABLES[0]]):
        assert find_differences([newer], held) == [Difference(None, TABLES[0])]
    oldest = replace(TABLES[0], valid_from=day(-1))
    assert find_differences([newer], [oldest, TABLES[0]]) == [Difference(newer, oldest), Difference(None, TABLES[0])]


async def test_an_edge_that_another_page_moved_meanwhile_stays(projected_url: str, main: Database) -> None:
    """It left 4 when it was found, and leaves 1 as it should when it is removed by its id."""
    fill(projected_url, ITEMS, TABLES[:1])
    inner = OracleProjection()
    await put(inner, ITEMS, [version(1, 4, 2)])

    async def move() -> None:
        await put(inner, [], TABLES[:1])

    mended = await EdgeComparison(RelationalSource(main), Meeting(inner, {2: move})).repair([node(4)])
    assert mended.found.differences == (Difference(None, version(1, 4, 2)),)
    assert await holds(inner) == should_hold(ITEMS, TABLES[:1])


async def test_an_edge_that_leaves_another_node_in_the_graph_ends_where_the_tables_have_it(
    projected_url: str, main: Database, empty: Empty
) -> None:
    fill(projected_url, ITEMS, TABLES[:1])
    for page in (1, 10):
        # At a node of the tables, and at one that goes.
        for tail in (4, 9):
            projection = await empty()
            await put(projection, ITEMS, [version(1, tail, 2)])
            report = await check(main, projection, page=page)
            assert (report.missing_edges.count, report.extra_edges.count) == (1, 1)
            assert (await check(main, projection, repair=True, page=page)).left == 0
            assert await holds(projection) == should_hold(ITEMS, TABLES[:1])


async def test_a_write_between_the_readings_is_no_difference(projected_url: str, main: Database) -> None:
    """The tables are read, then both change, then the graph is read: what differs is gone at the second look."""
    fill(projected_url, ITEMS, TABLES[:2])
    inner = OracleProjection()
    await put(inner, ITEMS, TABLES[:1])
    after_first = writing(projected_url, inner, TABLES[:2])
    projection = Meeting(inner, {1: after_first})
    report = await check(main, projection)
    assert (report.differences, projection.calls) == (0, 2)
    # Another write during the second look, and another during the third: still nothing but writes.
    fill(projected_url, ITEMS, TABLES[:2])
    await inner.apply(Changes(edges=(EdgeChange(TABLES[1], removed=True),)))
    projection = Meeting(
        inner,
        {1: writing(projected_url, inner, TABLES[:2]), 2: writing(projected_url, inner, TABLES[:3])},
    )
    report = await check(main, projection)
    assert report.differences == 0


def writing(url: str, inner: OracleProjection, versions: Sequence[EdgeVersion]) -> Callable[[], Awaitable[None]]:
    async def write() -> None:
        fill(url, ITEMS, versions)
        await put(inner, ITEMS, versions)

    return write


async def test_what_moves_all_the_time_is_left_to_the_next_check(projected_url: str, main: Database) -> None:
    fill(projected_url, ITEMS, TABLES[:2])
    inner = OracleProjection()
    await put(inner, ITEMS, TABLES[:1])

    def move(number: int) -> Callable[[], Awaitable[None]]:
        async def moved() -> None:
            await put(inner, [], [replace(TABLES[1], valid_from=day(number))])

        return moved

    projection = Meeting(inner, {call: move(call) for call in range(1, 9)})
    assert counts(await check(main, projection)) == (0, 0, 0, 0, 0)
    assert projection.calls == 5
    assert counts(await check(main, inner)) == (0, 0, 0, 0, 1)


async def test_what_stands_still_is_believed_beside_what_moves(projected_url: str, main: Database) -> None:
    fill(projected_url, ITEMS, TABLES)
    inner = OracleProjection()
    await put(inner, ITEMS, TABLES[:2])

    async def bring() -> None:
        await put(inner, [], TABLES[2:3])

    report = await check(main, Meeting(inner, {1: bring}))
    assert report.missing_edges.examples == [Difference(TABLES[3], None)]


class Telling(OracleProjection):
    """Holds what a script says, one line each time that it is asked for its nodes; the tables change before each."""

    def __init__(self, url: str, *script: tuple[list[int], list[int]]) -> None:
        super().__init__()
        self._url = url
        self._script = list(script)

    async def nodes(self) -> AsyncIterator[Sequence[str]]:
        tables, held = self._script.pop(0)
        fill(self._url, tables)
        yield [node(number) for number in held]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        # The tables had taken a write that the graph had not; then it had.
        (([1, 2], [1, 3]), ([1, 2], [1, 2])),
        # An item went from the tables, another came, and the graph is behind.
        (([1, 2], [1, 3]), ([1, 3], [1, 3])),
    ],
)
async def test_nodes_that_came_or_went_between_the_readings_are_no_difference(
    projected_url: str, main: Database, first: tuple[list[int], list[int]], second: tuple[list[int], list[int]]
) -> None:
    assert counts(await check(main, Telling(projected_url, first, second))) == (0, 0, 0, 0, 0)


async def test_a_node_that_is_back_before_it_is_removed_is_not_removed(projected_url: str, main: Database) -> None:
    fill(projected_url, ITEMS)
    inner = OracleProjection()
    await put(inner, [*ITEMS, 9], [])

    async def write() -> None:
        fill(projected_url, [*ITEMS, 9])

    inner.applied.clear()
    report = await check(main, Meeting(inner, {1: write}), repair=True)
    assert (report.extra_nodes.count, report.repaired, inner.applied) == (1, 0, [])


async def test_a_repair_that_a_write_overtook_is_done_again(projected_url: str, main: Database, empty: Empty) -> None:
    """The tables change after they were read: what was sent is old, and the last look says so."""
    fill(projected_url, ITEMS, TABLES[:1])
    newer = replace(TABLES[0], valid_from=day(5))

    async def write() -> None:
        fill(projected_url, ITEMS, [newer])

    inner = await empty()
    await put(inner, ITEMS, [])
    report = await check(main, Meeting(inner, {2: write}), repair=True)
    assert (counts(report), report.repaired, report.left) == ((0, 0, 1, 0, 0), 1, 0)
    assert await holds(inner) == should_hold(ITEMS, [newer])


async def test_a_graph_that_takes_nothing_is_told(projected_url: str, main: Database) -> None:
    class Deaf(OracleProjection):
        async def apply(self, changes: Changes) -> None: ...

    fill(projected_url, ITEMS, TABLES)
    deaf = Deaf()
    deaf.ids = {node(number) for number in ITEMS}
    report = await check(main, deaf, repair=True)
    assert (report.missing_edges.count, report.repaired, report.left) == (4, 0, 4)


async def test_a_node_that_comes_back_while_it_is_removed_stays(projected_url: str, main: Database) -> None:
    class Overtaken(OracleProjection):
        async def apply(self, changes: Changes) -> None:
            if changes.nodes and changes.nodes[0].removed:
                fill(projected_url, [*ITEMS, 9], [*TABLES, version(7, 9, 1), version(8, 1, 9)])
                await put(super(), [9], [version(7, 9, 1), version(8, 1, 9)])  # type: ignore[arg-type]
            await super().apply(changes)

    fill(projected_url, ITEMS, TABLES)
    projection = Overtaken()
    await put(projection, [*ITEMS, 9], TABLES)
    report = await check(main, projection, repair=True)
    assert (report.extra_nodes.count, report.repaired) == (1, 0)
    assert await holds(projection) == should_hold([*ITEMS, 9], [*TABLES, version(7, 9, 1), version(8, 1, 9)])


async def test_examples_are_the_first_of_many(projected_url: str, main: Database, empty: Empty) -> None:
    versions = [version(number, number % 9 + 1, 1, group=1) for number in range(1, 60)]
    fill(projected_url, range(1, 100), versions)
    report = await check(main, await empty(), page=7)
    assert counts(report) == (99, 0, 59, 0, 0)
    assert report.missing_nodes.examples == [node(number) for number in range(1, MAX_EXAMPLES + 1)]
    assert len(report.missing_edges.examples) == MAX_EXAMPLES


async def test_nodes_that_are_no_uuids_are_extra(projected_url: str, main: Database, empty: Empty) -> None:
    fill(projected_url, [1])
    projection = await empty()
    await projection.apply(Changes(nodes=(NodeChange(node(1)), NodeChange("a stranger"))))
    report = await check(main, projection, repair=True)
    assert (counts(report), report.extra_nodes.examples) == ((0, 1, 0, 0, 0), ["a stranger"])
    assert await holds(projection) == ([node(1)], [])


async def test_progress_ends_at_everything(projected_url: str, main: Database, empty: Empty) -> None:
    fill(projected_url, ITEMS, TABLES)
    heard: list[tuple[RebuildPhase, int, int | None]] = []
    await check(main, await empty(), page=2, progress=lambda *step: heard.append(step))
    assert [step for step in heard if step[0] is RebuildPhase.COMPARE_NODES] == [
        (RebuildPhase.COMPARE_NODES, done, 4) for done in (0, 2, 4)
    ]
    assert (heard[-1], heard[-3]) == ((RebuildPhase.COMPARE_EDGES, 4, 4), (RebuildPhase.COMPARE_EDGES, 0, 4))


async def test_a_lost_graph_ends_the_check(projected_url: str, main: Database, empty: Empty) -> None:
    from datasources.errors import SourceUnavailable

    fill(projected_url, ITEMS, TABLES)
    with pytest.raises(SourceUnavailable):
        await check(main, Failing(await empty(), 1), repair=True)
