"""Read the current state of changed entities from the tables, and build the changes for the graph store."""

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
    """A changed item or relationship with its outbox rows in order; for a relationship also the versions that the graph
    may still contain."""

    id: str
    kind: str
    rows: tuple[OutboxRow, ...] = ()
    before: tuple[EdgeVersion, ...] = ()

    @property
    def attempts(self) -> int:
        """How many times it was rejected."""
        return max((row.attempts for row in self.rows), default=0)

    def with_versions(self, *versions: EdgeVersion) -> "ChangedEntity":
        """Return a copy with additional versions that the graph may still contain."""
        return replace(self, before=tuple(dict.fromkeys((*self.before, *versions))))


async def group_by_entity(truth: RelationalSource, rows: Sequence[OutboxRow]) -> list[ChangedEntity]:
    """Return the items and relationships of the rows, in order of their first rows."""
    by_entity: dict[str, list[OutboxRow]] = {}
    for row in rows:
        if row.entity in (ITEM, RELATIONSHIP):
            by_entity.setdefault(row.entity_id, []).append(row)
    before: dict[str, list[EdgeVersion]] = {}
    positions = [row.position for row in rows if row.entity == RELATIONSHIP]
    for version in await _previous_versions(truth, positions):
        before.setdefault(version.edge.id, []).append(version)
    return [ChangedEntity(id, of[0].entity, tuple(of), tuple(before.get(id, ()))) for id, of in by_entity.items()]


async def _previous_versions(truth: RelationalSource, positions: Sequence[int]) -> Sequence[EdgeVersion]:
    """Return the edges before the changes at these positions. An unreadable one is left out: if the graph contains it,
    the next consistency check removes it."""
    if not positions:
        return ()
    versions = await attempt(partial(truth.edges_before, positions))
    if not isinstance(versions, CaughtError):
        return versions
    if len(positions) == 1:
        log.warning("a version of before cannot be read", extra={"problem": describe(versions.error)})
        return ()
    middle = len(positions) // 2
    return [*await _previous_versions(truth, positions[:middle]), *await _previous_versions(truth, positions[middle:])]


async def build_changes(truth: RelationalSource, entities: Sequence[ChangedEntity]) -> Changes:
    """Return the changes that bring a store from any state to the current state of these entities.

    Earlier versions are removed first, for engines without edge ids; if one has the id of a current edge, the later
    upsert wins. An end that no longer exists is removed as a node.
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
