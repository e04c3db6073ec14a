"""Rows that cannot be read: the projector sets them aside, and the others reach the graph."""

from collections.abc import Sequence

import pytest

from datasources.aurora.database import Database
from datasources.graph.projection import EdgeVersion
from datasources.graph.recursive.truth import Truth
from resolvers.projection.follow import ATTEMPTS, Follower
from tests.fixtures.following import DropEdge, PutEdge, PutItem, emptied, outbox, sources_of, write
from tests.fixtures.graph import edge_id, node
from tests.fixtures.projection import holds
from tests.oracles.projection import OracleProjection


async def test_an_entity_that_cannot_be_read_is_set_aside_and_the_others_are_told(
    projected_url: str, main: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    emptied(projected_url)
    write(projected_url, *(PutItem(number) for number in range(1, 5)))
    write(projected_url, PutEdge(1, 1, 2), PutEdge(2, 2, 3), PutEdge(3, 3, 4))
    real = Truth.by_ids

    async def by_ids(self: Truth, ids: Sequence[str]) -> list[EdgeVersion]:
        if edge_id(2) in ids:
            raise ValueError("a value of a row")
        return await real(self, ids)

    monkeypatch.setattr(Truth, "by_ids", by_ids)
    projection = OracleProjection()
    follower = Follower(sources_of(main, projection))
    for _ in range(ATTEMPTS):
        await follower.round()
    nodes, edges = await holds(projection)
    assert (nodes, sorted(each.edge.id for each in edges)) == (
        [node(number) for number in range(1, 5)], [edge_id(1), edge_id(3)],
    )  # fmt: skip
    [refused] = [each for each in outbox(projected_url) if not each[0]]
    assert refused[1] == ATTEMPTS
    assert refused[2].startswith("ValueError at tests/resolvers/projection/test_poison.py:")
    assert not (await follower.round()).retried


async def test_a_version_of_before_that_cannot_be_read_holds_up_no_other(
    projected_url: str, main: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    emptied(projected_url)
    projection = OracleProjection()
    follower = Follower(sources_of(main, projection))
    write(projected_url, *(PutItem(number) for number in range(1, 5)))
    write(projected_url, PutEdge(1, 1, 2), PutEdge(2, 2, 3), PutEdge(3, 3, 4))
    await follower.until_done()
    write(projected_url, DropEdge(1), DropEdge(2), DropEdge(3))
    real = Truth.before

    async def before(self: Truth, asked: Sequence[int]) -> list[EdgeVersion]:
        found = await real(self, asked)
        if any(each.edge.id == edge_id(2) for each in found):
            raise ValueError("a value of a row")
        return found

    monkeypatch.setattr(Truth, "before", before)
    assert (await follower.until_done()).rows == 3
    assert all(projected for projected, _, _ in outbox(projected_url))
    assert [each.edge.id for each in (await holds(projection))[1] if each.edge.id != edge_id(2)] == []
