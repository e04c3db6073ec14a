"""Whatever the tables and the graph hold, a rebuild and a repair end alike, also after a break at any call."""

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datasources.aurora.driver.database import Database
from datasources.errors import SourceUnavailable
from datasources.graph.projection import Changes, EdgeChange, EdgeVersion, NodeChange, Projection
from resolvers.projection.check import check
from resolvers.projection.rebuild import RebuildOptions, rebuild
from tests.fixtures.graph import node
from tests.fixtures.profiles import examples
from tests.fixtures.projection import NUMBERS, Empty, Failing, edge_versions, fill, holds, should_hold

MODERATE = settings(
    max_examples=examples(40),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
ITEMS = st.sets(NUMBERS).map(sorted)


async def prior(empty: Empty, nodes: list[int], versions: list[EdgeVersion]) -> Projection:
    """A projection that holds these already."""
    projection = await empty()
    changes = Changes(tuple(NodeChange(node(number)) for number in nodes), tuple(map(EdgeChange, versions)))
    await projection.apply(changes)
    return projection


@given(
    items=ITEMS,
    versions=edge_versions(),
    nodes=ITEMS,
    held=edge_versions(),
    page=st.integers(1, 4),
    at_once=st.integers(1, 4),
    clear=st.booleans(),
)
@MODERATE
async def test_a_rebuild_ends_alike(
    *,
    projected_url: str,
    main: Database,
    empty: Empty,
    items: list[int],
    versions: list[EdgeVersion],
    nodes: list[int],
    held: list[EdgeVersion],
    page: int,
    at_once: int,
    clear: bool,
) -> None:
    fill(projected_url, items, versions)
    projection = await prior(empty, nodes, held)
    report = await rebuild(main, projection, RebuildOptions(clear=clear, page=page, at_once=at_once))
    should = should_hold(items, versions)
    assert await holds(projection) == should
    assert (report.nodes, report.edges) == (len(should[0]), len(should[1]))
    assert (await check(main, projection, page=page)).differences == 0


@given(
    items=ITEMS, versions=edge_versions(), nodes=ITEMS, held=edge_versions(), page=st.integers(1, 4),
    at_once=st.integers(1, 4),
)  # fmt: skip
@MODERATE
async def test_a_repair_ends_alike(
    *,
    projected_url: str,
    main: Database,
    empty: Empty,
    items: list[int],
    versions: list[EdgeVersion],
    nodes: list[int],
    held: list[EdgeVersion],
    page: int,
    at_once: int,
) -> None:
    fill(projected_url, items, versions)
    projection = await prior(empty, nodes, held)
    alike = await holds(projection) == should_hold(items, versions)
    found = await check(main, projection, page=page, at_once=at_once)
    assert (found.differences == 0) == alike
    report = await check(main, projection, repair=True, page=page, at_once=at_once)
    assert report.left == 0
    assert await holds(projection) == should_hold(items, versions)
    assert (await check(main, projection, page=page)).differences == 0


@given(
    items=ITEMS, versions=edge_versions(), nodes=ITEMS, held=edge_versions(), at=st.integers(1, 12),
    after=st.booleans(), clear=st.booleans(), page=st.integers(1, 3), at_once=st.integers(1, 4),
)  # fmt: skip
@MODERATE
async def test_a_rebuild_that_broke_off_at_any_call_ends_alike_when_resumed(
    *,
    projected_url: str,
    main: Database,
    empty: Empty,
    tmp_path: Path,
    items: list[int],
    versions: list[EdgeVersion],
    nodes: list[int],
    held: list[EdgeVersion],
    at: int,
    after: bool,
    clear: bool,
    page: int,
    at_once: int,
) -> None:
    fill(projected_url, items, versions)
    projection = await prior(empty, nodes, held)
    place = tmp_path / "place.json"
    failing = Failing(projection, at, after=after)
    try:
        await rebuild(main, failing, RebuildOptions(clear=clear, place=place, page=page, at_once=at_once))
    except SourceUnavailable:
        assert place.exists()
        await rebuild(main, projection, RebuildOptions(resume=True, place=place, page=page, at_once=at_once))
    assert not place.exists()
    assert await holds(projection) == should_hold(items, versions)
    assert (await check(main, projection)).differences == 0
