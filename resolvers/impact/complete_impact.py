"""The whole impact of failures, from the tables: no cap of a walk, but a declared bound."""

import asyncio
from collections.abc import Sequence
from itertools import repeat
from struct import Struct

from datasources.graph.port import Walk
from datasources.graph.recursive.impact import BATCH_SIZE, FlowRow, GroupState, ImpactTables
from resolvers.impact.failures import Flow, Judgement

# A whole impact is computed up to so many items and relationships.
MAX_ITEMS = 200_000
MAX_EDGES = 2_000_000
# Edges that are judged without a thread of their own.
FEW_EDGES = 10_000
_NO_GROUP = bytes(16)
_ID = Struct("16s")


async def assess_complete_impact(tables: ImpactTables, failed: Sequence[str], walk: Walk) -> Judgement[bytes] | None:
    """The whole impact from the tables; None if it has more than MAX_ITEMS items or MAX_EDGES relationships."""
    ids = await tables.closure(failed, walk, MAX_ITEMS)
    if len(ids) > MAX_ITEMS:
        return None
    flow: Flow[bytes] = Flow()
    statuses: dict[bytes, str] = {}
    edges = 0
    for at in range(0, len(ids), BATCH_SIZE):
        batch = [unpack_id(id) for id in ids[at : at + BATCH_SIZE]]
        for row in await tables.edges(batch, walk, MAX_EDGES - edges):
            edges += len(row.effects) // 16
            _add(flow, row)
        if edges > MAX_EDGES:
            return None
        found = await tables.statuses(batch, walk.as_of)
        statuses.update((pack_id(id), status) for id, status in found.items())
    flow.statuses = statuses
    states: dict[bytes, GroupState] = {}
    for at in range(0, len(flow.group_ids), BATCH_SIZE):
        grouped = await tables.groups([unpack_id(id) for id in flow.group_ids[at : at + BATCH_SIZE]], walk.as_of)
        states.update((pack_id(id), state) for id, state in grouped.items())
    flow.groups = states
    starts = [pack_id(id) for id in failed]
    if edges <= FEW_EDGES:
        return flow.judge(starts, walk.max_depth)
    # A second of work at a million edges: in a thread, so that the loop answers others meanwhile.
    return await asyncio.to_thread(flow.judge, starts, walk.max_depth)


def _add(flow: Flow[bytes], row: FlowRow) -> None:
    groups = repeat(None) if row.groups is None else (None if id == _NO_GROUP else id for id in _ids(row.groups))
    flow.extend(row.cause, _ids(row.effects), groups, walked=row.walked)


def _ids(packed: bytes) -> list[bytes]:
    return [id for (id,) in _ID.iter_unpack(packed)]


def pack_id(id: str) -> bytes:
    """The 16 bytes of a uuid in canonical text form; their order is that of the texts."""
    return bytes.fromhex(id.replace("-", ""))


def unpack_id(id: bytes) -> str:
    """The canonical text form of a uuid of 16 bytes."""
    digits = id.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
