"""What failures flow to, read from the tables in full: no cap of a walk, but a declared bound of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from datasources.aurora.driver.database import Database
from datasources.aurora.statements import Statement, statements
from datasources.graph.port import Walk
from datasources.graph.recursive import fragments

# Nodes asked for in one statement; a batch of edges is at most a few MB.
BATCH_SIZE = 10_000


class FlowRow(NamedTuple):
    """A node and what its failure flows to, 16 bytes an id.

    For each effect `groups` has the 16 bytes of the edge's group, zero for none; None where no edge is in a group.
    `walked` says whether the walk goes along these edges, or they only make the node a member of their groups.
    """

    cause: bytes
    effects: bytes
    groups: bytes | None
    walked: bool


@dataclass(frozen=True, slots=True)
class GroupState:
    """A redundancy group: how many members it needs, and how many are in service, whatever fails."""

    needed: int
    healthy: int


class ImpactTables:
    """Reads for judging impact. Only types and time of a walk count; `as_of` is the moment of edges, of members and of
    statuses, while `needed` is that of now: groups keep no history. Errors are those of the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def closure(self, starts: Sequence[str], walk: Walk, most: int) -> list[bytes]:
        """All that failures can flow to, starts included, as ids of 16 bytes; more than `most` if there are more."""
        [found] = await self._database.fetch(
            _statement("closure", steps=fragments.flows(walk)),
            _bound(walk) | {"starts": list(starts), "max_nodes": most},
            bytes,
            "graph",
        )
        return [found[at : at + 16] for at in range(0, len(found), 16)]

    async def edges(self, ids: Sequence[str], walk: Walk, most: int) -> list[FlowRow]:
        """The edges along which failures of these nodes flow; more than `most` edges if there are more."""
        return await self._database.fetch(
            _statement("edges", steps=fragments.flow_edges(walk.as_of)),
            _bound(walk) | {"ids": list(ids), "max_edges": most},
            FlowRow,
            "graph",
        )

    async def statuses(self, ids: Sequence[str], as_of: datetime | None) -> dict[str, str]:
        """The status of those items that are not ACTIVE."""
        statement = _statement("statuses", statuses=fragments.statuses(as_of))
        return dict(await self._database.fetch(statement, {"ids": list(ids), "as_of": as_of}, _pair))

    async def groups(self, ids: Sequence[str], as_of: datetime | None) -> dict[str, GroupState]:
        """The state of each group; an unknown id has none."""
        statement = _statement("groups", statuses=fragments.statuses(as_of), members=fragments.members(as_of))

        def state(id: str, needed: int, healthy: int) -> tuple[str, GroupState]:
            return id, GroupState(needed, healthy)

        return dict(await self._database.fetch(statement, {"ids": list(ids), "as_of": as_of}, state))


def _pair(id: str, status: str) -> tuple[str, str]:
    return id, status


def _statement(name: str, **slots: str) -> Statement:
    return statements("graph/impact")[f"impact_{name}"].fill_slots(**slots)


def _bound(walk: Walk) -> dict[str, object]:
    return {"types": None if walk.types is None else list(walk.types), "as_of": walk.as_of}
