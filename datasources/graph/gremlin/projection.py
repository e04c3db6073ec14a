"""The projection in a Gremlin store: upserts and removals in batches that are safe to send twice."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from gremlin_python.process.graph_traversal import GraphTraversal, __
from gremlin_python.process.traversal import Direction, Merge, P, T
from gremlin_python.statics import long

from datasources.errors import SourceError, SourceRefused
from datasources.graph.gremlin import model, rows
from datasources.graph.gremlin.neighbours import batches
from datasources.graph.gremlin.source import g
from datasources.graph.gremlin.submitting import TraversalClient
from datasources.graph.port import Impact
from datasources.graph.projection import Changes, EdgeChange, EdgeVersion, NodeChange

# Upserts in one traversal. Above a few hundred, engines gain nothing, and a conflict costs more.
UPSERT_BATCH_SIZE = 500

# Updates in one traversal: each is a separate step, and engines compile the steps one by one.
UPDATE_BATCH_SIZE = 25

# Removals in one traversal; a removed node takes all its edges along.
REMOVAL_BATCH_SIZE = 500


# Retries of a write that conflicts with a concurrent one, and the maximum pause between them.
MAX_CONFLICT_RETRIES = 4
MAX_CONFLICT_PAUSE_SECONDS = 0.1


class GremlinProjection:
    """Upserts and removes elements by deterministic ids, so that an interrupted batch can be sent again.

    `edge_ids` is whether the engine accepts custom edge ids. If not, edges are found by their relationship id.
    """

    def __init__(self, client: TraversalClient, *, edge_ids: bool = True) -> None:
        self._client = client
        self._edge_ids = edge_ids

    async def apply(self, changes: Changes) -> None:
        nodes = {change.id: change for change in changes.nodes}
        edges = {self._name(change.version): _normalise(change) for change in changes.edges}
        await self._nodes(nodes.values())
        await self._remove([change.version for change in edges.values() if change.removed])
        for batch in batches([change for change in edges.values() if not change.removed], UPSERT_BATCH_SIZE):
            await _retry_conflicts(partial(self._upsert, batch, fresh=changes.fresh))

    async def nodes(self) -> AsyncIterator[Sequence[str]]:
        """Yield the node ids in batches. All ids are loaded first, about 60 bytes of memory per node."""
        ids = await self._client.submit(g.V().has_label(model.NODE_LABEL).id_(), "nodes", writes=True)
        for part in batches(ids):
            yield part

    async def outgoing_edges(self, ids: Sequence[str]) -> Mapping[str, Sequence[EdgeVersion]]:
        unique = list(dict.fromkeys(ids))
        parts = await asyncio.gather(
            *(
                self._client.submit(rows.project_versions(g.V(*part).out_e()), "leaving", writes=True)
                    for part in batches(unique)
            )
        )  # fmt: skip
        answer: dict[str, list[EdgeVersion]] = {id: [] for id in ids}
        for version in (rows.version_of(row) for part in parts for row in part):
            answer[version.edge.from_id].append(version)
        for versions in answer.values():
            versions.sort(key=lambda version: (version.edge.id, version.valid_from))
        return answer

    async def clear(self) -> None:
        # The completeness marker stays: `clear` is followed by a full projection, and the projector must not repeat it.
        some = g.V().not_(__.has_label(model.MARKER_LABEL)).limit(REMOVAL_BATCH_SIZE)
        while await self._client.submit(some.clone().side_effect(__.drop()).count(), "clear", writes=True) != [0]:
            pass

    async def _nodes(self, changes: Iterable[NodeChange]) -> None:
        upserted: list[str] = []
        removed: list[str] = []
        for change in changes:
            (removed if change.removed else upserted).append(change.id)
        for part in batches(removed, REMOVAL_BATCH_SIZE):
            await self._client.submit(g.V(*part).drop(), "remove nodes", writes=True)
        for part in batches(upserted, UPSERT_BATCH_SIZE):
            await _retry_conflicts(partial(self._merge_nodes, part))

    async def _merge_nodes(self, ids: Sequence[str]) -> None:
        maps = [{T.id_: id, T.label: model.NODE_LABEL} for id in ids]
        await self._client.submit(g.inject(maps).unfold().merge_v(__.identity()).count(), "upsert nodes", writes=True)

    async def _remove(self, versions: Sequence[EdgeVersion]) -> None:
        for part in batches(versions, REMOVAL_BATCH_SIZE if self._edge_ids else UPDATE_BATCH_SIZE):
            await self._client.submit(self._edges(part).drop(), "remove edges", writes=True)

    async def _upsert(self, changes: Sequence[EdgeChange], *, fresh: bool) -> None:
        versions = {model.edge_id_of(change.version): change.version for change in changes}
        if fresh and self._edge_ids:
            try:
                await self._merge_edges(list(versions.values()))
            except SourceError:
                # An end is unknown, or the edge exists with other properties: engines report this in different ways.
                # Any other error occurs again below.
                pass
            else:
                return
        # An edge can arrive before its ends. Engines reject it with different errors, so check first.
        ends = {end for version in versions.values() for end in (version.edge.from_id, version.edge.to_id)}
        held, known = await asyncio.gather(
            self._fetch_existing(list(versions.values())),
            self._client.submit(g.V(*sorted(ends)).id_(), "known ends", writes=True),
        )
        for part in batches(sorted(ends.difference(known)), UPSERT_BATCH_SIZE):
            await self._merge_nodes(part)
        new = [version for id, version in versions.items() if id not in held]
        changed = [version for id, version in versions.items() if id in held and held[id] != version]
        # The ends and the label of a stored edge never change: a moved edge is another edge with the same id. Without
        # edge ids, a merge can identify an edge only by the properties that change.
        moved = [
            version
            for version in changed
            if not self._edge_ids or _edge_key(held[model.edge_id_of(version)]) != _edge_key(version)
        ]
        await self._remove(moved)
        if new or moved:
            await self._merge_edges(new + moved)
        for some in batches([version for version in changed if version not in moved], UPDATE_BATCH_SIZE):
            await self._client.submit(self._update_traversal(some), "change edges", writes=True)

    async def _fetch_existing(self, versions: Sequence[EdgeVersion]) -> dict[str, EdgeVersion]:
        most = UPSERT_BATCH_SIZE if self._edge_ids else UPDATE_BATCH_SIZE
        parts = await asyncio.gather(
            *(
                self._client.submit(rows.project_versions(self._edges(part)), "held edges", writes=True)
                for part in batches(versions, most)
            )
        )  # fmt: skip
        held = (rows.version_of(row) for part in parts for row in part)
        return {model.edge_id_of(version): version for version in held}

    def _name(self, version: EdgeVersion) -> tuple[object, ...]:
        # Without edge ids, versions with another start node or another start time are different edges.
        id = model.edge_id_of(version)
        return (id,) if self._edge_ids else (id, version.edge.from_id, version.valid_from)

    def _edges(self, versions: Sequence[EdgeVersion]) -> GraphTraversal:
        if self._edge_ids:
            return g.E(*map(model.edge_id_of, versions))
        # By relationship id, which needs an index in the engine: the ends may have been different before.
        edges = g.E().has(model.KEY, P.within(*dict.fromkeys(version.edge.id for version in versions)))
        return edges.where(__.or_(*map(_matches, versions)))

    async def _merge_edges(self, versions: Sequence[EdgeVersion]) -> None:
        maps = [self._identity(version) | _properties(version) for version in versions]
        await self._client.submit(g.inject(maps).unfold().merge_e(__.identity()).count(), "upsert edges", writes=True)

    def _update_traversal(self, versions: Sequence[EdgeVersion]) -> GraphTraversal:
        def facts(version: EdgeVersion) -> dict[str, Any]:
            # Set the group to empty when an edge leaves it: a merge can set a property but not remove one.
            return {model.GROUP: ""} | _properties(version)

        first, *rest = versions
        traversal = g.merge_e(self._identity(first)).option(Merge.on_match, facts(first))
        for version in rest:
            traversal = traversal.merge_e(self._identity(version)).option(Merge.on_match, facts(version))
        return traversal.count()

    def _identity(self, version: EdgeVersion) -> dict[Any, Any]:
        edge = version.edge
        ends: dict[Any, Any] = {
            T.label: model.label_of(edge.type), Direction.OUT: edge.from_id, Direction.IN: edge.to_id
        }  # fmt: skip
        # Without an edge id, an edge is merged by all its properties, which are also in the map.
        return {T.id_: model.edge_id_of(version)} | ends if self._edge_ids else ends


def _matches(version: EdgeVersion) -> GraphTraversal:
    """Return a filter for edges of this version: one per relationship is valid, and one per start time is closed."""
    same = __.has(model.KEY, version.edge.id)
    if version.valid_to is None:
        return same.has(model.VALID_TO, long(model.OPEN_ENDED_MICROS))
    return same.has(model.VALID_FROM, long(model.to_micros(version.valid_from))).has(
        model.VALID_TO, P.neq(long(model.OPEN_ENDED_MICROS))
    )


def _properties(version: EdgeVersion) -> dict[str, Any]:
    edge = version.edge
    facts: dict[str, Any] = {
        model.KEY: edge.id,
        model.IMPACT: edge.impact.value,
        model.VALID_FROM: long(model.to_micros(version.valid_from)),
        model.VALID_TO: long(
            model.OPEN_ENDED_MICROS if version.valid_to is None else model.to_micros(version.valid_to)
        ),
    }
    return facts | ({model.GROUP: edge.group_id} if edge.group_id is not None else {})


async def _retry_conflicts(write: Callable[[], Awaitable[None]]) -> None:
    """Run a write that can conflict with a concurrent one. If two writers create an element at the same time, an engine
    may reject the later one permanently, as a duplicate id; the next attempt finds the element.
    """
    for _ in range(MAX_CONFLICT_RETRIES):
        try:
            await write()
        except SourceRefused:
            await asyncio.sleep(random.uniform(0, MAX_CONFLICT_PAUSE_SECONDS))  # noqa: S311
        else:
            return
    await write()


def _normalise(change: EdgeChange) -> EdgeChange:
    edge = change.version.edge
    if edge.from_id != edge.to_id or edge.impact is Impact.NONE:
        return change
    # The port meets a self-loop once in a walk along impact, as an outgoing edge.
    return replace(change, version=replace(change.version, edge=replace(edge, impact=Impact.FORWARD)))


def _edge_key(version: EdgeVersion) -> tuple[str, str, str]:
    return version.edge.from_id, version.edge.to_id, version.edge.type
