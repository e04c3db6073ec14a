"""The flow of failures, read from the tables completely: without the caps of a walk, but with a bound."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from datasources.aurora.driver.database import Database
from datasources.aurora.driver.row_factory import KeyedRecord
from datasources.aurora.statements import Statement, statements
from datasources.graph.port import Walk
from datasources.graph.recursive import fragments

# Nodes in one statement; a batch of edges is at most a few MB.
BATCH_SIZE = 10_000


class FlowRow(NamedTuple):
    """A node and the nodes to which its failure flows, 16 bytes for each id.

    For each effect, `groups` contains the 16 bytes of the edge's group, or zeros; it is None if no edge is in a group.
    `walked` is whether the walk follows these edges; otherwise they only make the node a member of their groups.
    """

    cause: bytes
    effects: bytes
    groups: bytes | None
    walked: bool


@dataclass(frozen=True, slots=True)
class GroupState:
    """A redundancy group: how many healthy members it needs, and how many are in service before any failure."""

    needed: int
    healthy: int


class ImpactTables:
    """Queries for the computation of impact. Only the types and the time of a walk apply; `as_of` is the time of edges,
    members and statuses, while `needed` is always current: groups have no history. Raises the database's errors."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def closure(self, starts: Sequence[str], walk: Walk, most: int) -> list[bytes]:
        """Return the starts and all that failures can flow to, as 16-byte ids; more than `most` if there are more."""
        [ids] = await self._database.fetch(
            _statement("closure", steps=fragments.flows(walk)),
            _bound(walk) | {"starts": list(starts), "max_nodes": most},
            bytes,
            "graph",
        )
        return [ids[at : at + 16] for at in range(0, len(ids), 16)]

    async def edges(self, ids: Sequence[str], walk: Walk, most: int) -> list[FlowRow]:
        """Return the edges along which failures of these nodes flow; more than `most` edges if there are more."""
        return await self._database.fetch(
            _statement("edges", steps=fragments.flow_edges(walk.as_of)),
            _bound(walk) | {"ids": list(ids), "max_edges": most},
            FlowRow,
            "graph",
        )

    async def statuses(self, ids: Sequence[str], as_of: datetime | None) -> dict[str, str]:
        """Return the status of those items that are not ACTIVE."""
        statement = _statement("statuses", statuses=fragments.statuses(as_of))
        return dict(await self._database.fetch(statement, {"ids": list(ids), "as_of": as_of}, KeyedRecord(str)))

    async def groups(self, ids: Sequence[str], as_of: datetime | None) -> dict[str, GroupState]:
        """Return the state of each group; unknown ids are absent."""
        statement = _statement("groups", statuses=fragments.statuses(as_of), members=fragments.members(as_of))
        return dict(await self._database.fetch(statement, {"ids": list(ids), "as_of": as_of}, KeyedRecord(GroupState)))


def _statement(name: str, **slots: str) -> Statement:
    return statements("graph/impact")[f"impact_{name}"].fill_slots(**slots)


def _bound(walk: Walk) -> dict[str, object]:
    return {"types": None if walk.types is None else list(walk.types), "as_of": walk.as_of}
