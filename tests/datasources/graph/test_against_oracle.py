"""Every adapter answers like the breadth-first oracle, on random graphs and through every page."""

from collections.abc import AsyncIterator

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from datasources.graph.port import Direction, Graph, Impact, Position, Reach, Step, StepPosition, Walk
from tests.datasources.graph.contract import Load
from tests.fixtures.graph import MOMENT, day, edge, node
from tests.fixtures.profiles import examples
from tests.oracles.graph import OracleGraph, Version, shortest_paths

MODERATE = settings(max_examples=examples(60), suppress_health_check=[HealthCheck.too_slow])
NUMBERS = st.integers(1, 8)
TYPES = ("a", "b", "c")


@st.composite
def graphs(draw: st.DrawFn) -> list[Version]:
    """Few nodes and many edges, so that cycles, self-loops and parallel edges are common; half have a past."""
    versions = []
    for number in range(draw(st.integers(0, 24))):
        tail, head = draw(NUMBERS), draw(NUMBERS)
        moments = sorted(draw(st.sets(st.integers(0, 6), min_size=1, max_size=3)))
        # An edge lives from its first moment, changes at the next ones, and may end at the last.
        ends = [*moments[1:], None] if draw(st.booleans()) else moments[1:]
        for begin, end in zip(moments, ends, strict=False):
            group = draw(st.sampled_from((None, 1)))
            fact = edge(number, tail, head, draw(st.sampled_from(TYPES)), draw(st.sampled_from(Impact)), group)
            versions.append(Version(fact, day(begin), None if end is None else day(end)))
    return versions


@st.composite
def walks(draw: st.DrawFn) -> Walk:
    return Walk(
        draw(st.sampled_from(Direction)),
        types=draw(st.none() | st.lists(st.sampled_from(TYPES), max_size=3).map(tuple)),
        max_depth=draw(st.integers(1, 6)),
        fan_out=draw(st.integers(1, 5) | st.just(100)),
        max_nodes=draw(st.integers(1, 4) | st.just(100)),
        # Half a day off as well: between two moments and on them.
        as_of=draw(st.none() | st.integers(-1, 14).map(lambda half: MOMENT + (day(half) - MOMENT) / 2)),
    )


starts = st.lists(st.frozensets(NUMBERS.map(node), max_size=3), max_size=3)


@given(versions=graphs(), walk=walks(), starts=starts)
@MODERATE
async def test_reach(load_history: Load, versions: list[Version], walk: Walk, starts: list[frozenset[str]]) -> None:
    graph, oracle = await load_history(versions), OracleGraph(versions)
    assert await graph.reach(starts, walk) == await oracle.reach(starts, walk)
    for start in starts[:1]:
        pages = [page async for page in _pages(graph, start, walk)]
        assert pages == [page async for page in _pages(oracle, start, walk)]
        whole = Walk(walk.direction, walk.types, walk.max_depth, walk.fan_out, 100, walk.as_of)
        [answer] = await graph.reach([start], whole)
        assert (tuple(found for page in pages for found in page.nodes), pages[-1].capped) == (
            answer.nodes,
            answer.capped,
        )


@given(versions=graphs(), walk=walks(), starts=starts, depth=st.integers(0, 4), number=NUMBERS)
@MODERATE
async def test_reach_after_any_place(
    *, load_history: Load, versions: list[Version], walk: Walk, starts: list[frozenset[str]], depth: int, number: int
) -> None:
    graph, place = await load_history(versions), Position(depth, node(number))
    assert await graph.reach(starts, walk, place) == await OracleGraph(versions).reach(starts, walk, place)


async def _pages(graph: Graph, start: frozenset[str], walk: Walk) -> AsyncIterator[Reach]:
    place: Position | None = None
    while True:
        [page] = await graph.reach([start], walk, place)
        yield page
        if page.cursor is None:
            return
        place = page.cursor


@given(
    versions=graphs(),
    walk=walks(),
    ids=st.lists(NUMBERS.map(node), max_size=4),
    place=st.none() | st.builds(StepPosition, NUMBERS.map(node), st.integers(0, 23).map(lambda n: edge(n, 1, 1).id),
                                st.booleans()),
)  # fmt: skip
@MODERATE
async def test_neighbours(
    load_history: Load, versions: list[Version], walk: Walk, ids: list[str], place: StepPosition | None
) -> None:
    graph, oracle = await load_history(versions), OracleGraph(versions)
    assert await graph.neighbours(ids, walk, place) == await oracle.neighbours(ids, walk, place)
    for id in ids[:1]:
        whole = Walk(walk.direction, walk.types, 1, 100, 1, walk.as_of)
        steps: list[Step] = []
        place = None
        while True:
            page = (await graph.neighbours([id], walk, place))[id]
            steps += page.steps
            if not page.truncated:
                break
            place = StepPosition(steps[-1].neighbour_id, steps[-1].edge.id, steps[-1].outgoing)
        assert tuple(steps) == (await oracle.neighbours([id], whole))[id].steps


@given(versions=graphs(), walk=walks(), tail=NUMBERS, head=NUMBERS, most=st.integers(1, 4) | st.just(1_000))
@MODERATE
# A cap on the far side makes 3 known there before 2: the sides meet where their depths differ.
@example(
    versions=[Version(edge(n, *ends), MOMENT) for n, ends in enumerate([(1, 2), (2, 3), (3, 4), (1, 3), (2, 4)])],
    walk=Walk(Direction.OUT, fan_out=1),
    tail=1,
    head=4,
    most=9,
)
async def test_paths(
    *, load_history: Load, versions: list[Version], walk: Walk, tail: int, head: int, most: int
) -> None:
    graph, oracle = await load_history(versions), OracleGraph(versions)
    answer = await graph.paths(node(tail), node(head), walk, most)
    assert answer == await oracle.paths(node(tail), node(head), walk, most)


@given(versions=graphs(), direction=st.sampled_from(Direction), tail=NUMBERS, head=NUMBERS, hops=st.integers(1, 6))
@MODERATE
async def test_paths_without_caps_are_all_shortest_paths(
    *, load: Load, versions: list[Version], direction: Direction, tail: int, head: int, hops: int
) -> None:
    graph = await load(versions)
    edges = [version.edge for version in versions if version.valid_to is None]
    answer = await graph.paths(node(tail), node(head), Walk(direction, max_depth=hops), 10_000)
    assert not answer.truncated
    assert list(answer.paths) == shortest_paths(edges, node(tail), node(head), direction, hops)


@given(versions=graphs(), walk=walks(), ids=st.lists(NUMBERS.map(node), max_size=8), most=st.integers(1, 5))
@MODERATE
async def test_subgraph_and_degrees(
    load_history: Load, versions: list[Version], walk: Walk, ids: list[str], most: int
) -> None:
    graph, oracle = await load_history(versions), OracleGraph(versions)
    assert await graph.subgraph(ids, walk, most) == await oracle.subgraph(ids, walk, most)
    assert await graph.degrees(ids, walk.as_of) == await oracle.degrees(ids, walk.as_of)
