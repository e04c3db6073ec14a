"""The state of entities as the tables have it now, and how a graph store is told."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from datasources.aurora.outbox.outbox import OutboxRow
from datasources.graph.projection import Changes, EdgeChange, EdgeVersion, NodeChange
from datasources.graph.recursive.source import RelationalSource
from datasources.observability.exceptions import describe
from datasources.supervisor import CaughtError, attempt

log = logging.getLogger("stackflow.projection")

ITEM = "CONFIGURATION_ITEM"
RELATIONSHIP = "RELATIONSHIP"


@dataclass(frozen=True, slots=True)
class ChangedEntity:
    """An item or a relationship that changed; the rows of the outbox that say so, in order; and for a relationship
    the versions that the graph may still hold."""

    id: str
    kind: str
    rows: tuple[OutboxRow, ...] = ()
    before: tuple[EdgeVersion, ...] = ()

    @property
    def attempts(self) -> int:
        """How often it was refused."""
        return max((row.attempts for row in self.rows), default=0)

    def with_versions(self, *versions: EdgeVersion) -> "ChangedEntity":
        """The same, with more versions that the graph may still hold."""
        return replace(self, before=tuple(dict.fromkeys((*self.before, *versions))))


async def group_by_entity(truth: RelationalSource, rows: Sequence[OutboxRow]) -> list[ChangedEntity]:
    """The items and relationships that rows are about, in order of their first rows."""
    found: dict[str, list[OutboxRow]] = {}
    for row in rows:
        if row.entity in (ITEM, RELATIONSHIP):
            found.setdefault(row.entity_id, []).append(row)
    before: dict[str, list[EdgeVersion]] = {}
    positions = [row.position for row in rows if row.entity == RELATIONSHIP]
    for version in await _previous_versions(truth, positions):
        before.setdefault(version.edge.id, []).append(version)
    return [ChangedEntity(id, of[0].entity, tuple(of), tuple(before.get(id, ()))) for id, of in found.items()]


async def _previous_versions(truth: RelationalSource, positions: Sequence[int]) -> Sequence[EdgeVersion]:
    """The edges before the changes at these positions. One that cannot be read is left out: should the graph hold it,
    the next comparison takes it away."""
    if not positions:
        return ()
    found = await attempt(partial(truth.edges_before, positions))
    if not isinstance(found, CaughtError):
        return found
    if len(positions) == 1:
        log.warning("a version of before cannot be read", extra={"problem": describe(found.error)})
        return ()
    middle = len(positions) // 2
    return [*await _previous_versions(truth, positions[:middle]), *await _previous_versions(truth, positions[middle:])]


async def build_changes(truth: RelationalSource, entities: Sequence[ChangedEntity]) -> Changes:
    """What brings a store to the present state of these entities, whatever it holds of them.

    Versions of before go, for engines that take no ids of edges; where one has the id of an edge that is, the upsert
    comes later and counts. An end that nothing stands at any more is no node.
    """
    items = {each.id for each in entities if each.kind == ITEM}
    relationships = [each.id for each in entities if each.kind == RELATIONSHIP]
    before = [version for each in entities for version in each.before]
    current = await truth.edges_by_ids(relationships) if relationships else []
    ends = {end for version in before for end in (version.edge.from_id, version.edge.to_id)} - items
    known = await truth.existing_nodes(sorted(items | ends)) if items or ends else frozenset()
    return Changes(
        nodes=tuple(NodeChange(id, removed=id not in known) for id in sorted(items | (ends - known))),
        edges=(
            *(EdgeChange(version, removed=True) for version in dict.fromkeys(before) if version not in current),
            *(EdgeChange(version) for version in current),
        ),
    )
