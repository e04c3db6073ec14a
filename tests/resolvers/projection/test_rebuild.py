"""A rebuild sends everything, removes the rest, and goes on where it broke off."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from datasources.aurora.driver.database import Database
from datasources.errors import SourceUnavailable
from datasources.graph.projection import Changes, EdgeChange, EdgeVersion, NodeChange
from resolvers.projection.checkpoint import CheckpointError
from resolvers.projection.rebuild import RebuildOptions, rebuild
from resolvers.projection.reports import RebuildPhase
from tests.fixtures.graph import MOMENT, day, edge, edge_id, node
from tests.fixtures.projection import Empty, Failing, fill, holds, should_hold
from tests.oracles.projection import OracleProjection

ITEMS = range(1, 8)
TABLES = [EdgeVersion(edge(number, number, number % 7 + 1), MOMENT) for number in range(1, 6)]


@pytest.fixture
def tables(projected_url: str) -> None:
    fill(projected_url, ITEMS, TABLES)


async def test_an_empty_graph_is_filled(tables: None, main: Database, empty: Empty, tmp_path: Path) -> None:
    projection = await empty()
    place = tmp_path / "new" / "graph-rebuild.json"
    report = await rebuild(main, projection, RebuildOptions(place=place, page=3))
    assert (report.nodes, report.edges) == (7, 5)
    assert report.compared is not None
    assert (report.compared.nodes, report.compared.edges, report.compared.differences) == (7, 5, 0)
    assert await holds(projection) == should_hold(ITEMS, TABLES)
    assert list(place.parent.iterdir()) == []


async def test_what_the_tables_do_not_hold_goes(tables: None, main: Database, empty: Empty) -> None:
    projection = await empty()
    stale = [EdgeVersion(edge(1, 1, 2), day(9)), EdgeVersion(edge(30, 20, 1), MOMENT)]
    closed = EdgeVersion(edge(1, 1, 2), MOMENT, day(1))
    await projection.apply(Changes((NodeChange(node(21)),), tuple(map(EdgeChange, [*stale, closed]))))
    report = await rebuild(main, projection, RebuildOptions(page=3))
    assert report.compared is not None
    assert (report.compared.extra_nodes.count, report.compared.extra_edges.count) == (2, 2)
    assert (report.compared.repaired, report.compared.left) == (4, 0)
    assert await holds(projection) == should_hold(ITEMS, TABLES)


async def test_pages_are_sent_nodes_first(tables: None, main: Database) -> None:
    projection = OracleProjection()
    await rebuild(main, projection, RebuildOptions(page=4, compare=False))
    assert projection.applied == [
        Changes(nodes=tuple(NodeChange(node(number)) for number in numbers)) for numbers in ([1, 2, 3, 4], [5, 6, 7])
    ] + [Changes(edges=tuple(map(EdgeChange, page)), fresh=True) for page in (TABLES[:4], TABLES[4:])]


async def test_edges_begin_at_the_first_id_of_all(projected_url: str, main: Database, empty: Empty) -> None:
    """Not after the last node's."""
    first = replace(TABLES[0], edge=replace(TABLES[0].edge, id=node(0)))
    fill(projected_url, ITEMS, [first])
    projection = await empty()
    await rebuild(main, projection, RebuildOptions(compare=False))
    assert await holds(projection) == should_hold(ITEMS, [first])


async def test_clear_empties_first(tables: None, main: Database) -> None:
    class Noting(OracleProjection):
        cleared_at: int | None = None

        async def clear(self) -> None:
            self.cleared_at = len(self.applied)
            await super().clear()

    projection = Noting()
    await rebuild(main, projection, RebuildOptions(clear=False))
    assert projection.cleared_at is None
    projection.applied.clear()
    await projection.apply(Changes(nodes=(NodeChange(node(21)),)))
    report = await rebuild(main, projection, RebuildOptions(clear=True))
    assert projection.cleared_at == 1
    assert report.compared is not None
    assert report.compared.differences == 0


async def test_a_broken_rebuild_goes_on_after_the_last_acknowledged_page(
    tables: None, main: Database, tmp_path: Path
) -> None:
    place = tmp_path / "graph-rebuild.json"
    options = RebuildOptions(place=place, store="graph.example", page=2, at_once=1)
    inner = OracleProjection()
    with pytest.raises(SourceUnavailable):
        await rebuild(main, Failing(inner, 3), options)
    assert json.loads(place.read_bytes()) == {
        "store": "graph.example", "step": "nodes", "last": node(4), "nodes": 4, "edges": 0, "folder": None, "part": 0,
        "load": None,
    }  # fmt: skip
    with pytest.raises(SourceUnavailable):
        await rebuild(main, Failing(inner, 4), resumed(options))
    kept = json.loads(place.read_bytes())
    assert (kept["step"], kept["last"], kept["nodes"], kept["edges"]) == ("edges", edge_id(2), 7, 2)
    inner.applied.clear()
    report = await rebuild(main, inner, resumed(options))
    assert (report.nodes, report.edges) == (7, 5)
    assert inner.applied == [Changes(edges=tuple(map(EdgeChange, page))) for page in (TABLES[2:4], TABLES[4:])]
    assert not place.exists()


def resumed(options: RebuildOptions) -> RebuildOptions:
    return RebuildOptions(
        resume=True, place=options.place, store=options.store, page=options.page, at_once=options.at_once
    )


async def test_a_page_counts_once_all_before_it_are_acknowledged(tables: None, main: Database, tmp_path: Path) -> None:
    """Several are under way at once; the first one is lost, the others are not."""
    place = tmp_path / "graph-rebuild.json"

    class FirstLost(OracleProjection):
        async def apply(self, changes: Changes) -> None:
            if changes.nodes[0].id == node(1):
                raise SourceUnavailable("graph", "lost")
            await super().apply(changes)

    with pytest.raises(SourceUnavailable):
        await rebuild(main, FirstLost(), RebuildOptions(place=place, page=1, at_once=4))
    kept = json.loads(place.read_bytes())
    assert (kept["step"], kept["last"], kept["nodes"]) == ("nodes", None, 0)


async def test_a_lost_graph_while_clearing_clears_again(tables: None, main: Database, tmp_path: Path) -> None:
    class Uncleared(OracleProjection):
        lost = True

        async def clear(self) -> None:
            if self.lost:
                raise SourceUnavailable("graph", "lost")
            await super().clear()

    projection = Uncleared()
    await projection.apply(Changes(nodes=(NodeChange(node(21)),)))
    options = RebuildOptions(clear=True, place=tmp_path / "place.json")
    with pytest.raises(SourceUnavailable):
        await rebuild(main, projection, options)
    projection.lost = False
    report = await rebuild(main, projection, RebuildOptions(resume=True, place=tmp_path / "place.json"))
    assert report.compared is not None
    assert report.compared.differences == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "there is no interrupted rebuild; run it without --resume"),
        (b"{", "{path} is damaged; run without --resume"),
        (b'{"store": "here", "step": "fly"}', "{path} is damaged; run without --resume"),
        (
            b'{"store": "there", "step": "nodes"}',
            "the interrupted rebuild was of the graph at there, not here; run without --resume",
        ),
        (
            b'{"store": "here", "step": "nodes", "folder": "f"}',
            "the interrupted rebuild ran with the bulk loader; run without --resume",
        ),
    ],
)
async def test_a_place_that_does_not_fit_is_refused(
    tables: None, main: Database, tmp_path: Path, content: bytes | None, message: str
) -> None:
    path = tmp_path / "place.json"
    if content is not None:
        path.write_bytes(content)
    projection = OracleProjection()
    with pytest.raises(CheckpointError) as caught:
        await rebuild(main, projection, RebuildOptions(resume=True, place=path, store="here"))
    assert str(caught.value) == message.format(path=path)
    assert projection.applied == []
    if content is not None:
        assert path.read_bytes() == content


async def test_a_place_that_cannot_be_kept_is_refused_before_anything_is_sent(
    tables: None, main: Database, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    projection = OracleProjection()
    with pytest.raises(CheckpointError, match="cannot be written"):
        await rebuild(main, projection, RebuildOptions(place=tmp_path / "file" / "place.json"))
    assert projection.applied == []


async def test_progress_says_how_far_it_is(tables: None, main: Database, empty: Empty) -> None:
    heard: list[tuple[RebuildPhase, int, int | None]] = []
    await rebuild(
        main,
        await empty(),
        RebuildOptions(clear=True, page=4, compare=False),
        progress=lambda *step: heard.append(step),
    )
    assert heard == [
        (RebuildPhase.CLEAR, 0, None),
        (RebuildPhase.NODES, 0, 7),
        (RebuildPhase.NODES, 4, 7),
        (RebuildPhase.NODES, 7, 7),
        (RebuildPhase.EDGES, 0, 5),
        (RebuildPhase.EDGES, 4, 5),
        (RebuildPhase.EDGES, 5, 5),
    ]
