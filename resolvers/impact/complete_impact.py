"""The complete impact of failures, computed from the tables: no cap of a walk, but a fixed bound."""

import asyncio
from collections.abc import Sequence
from itertools import repeat
from struct import Struct

from datasources.graph.port import Walk
from datasources.graph.recursive.impact import BATCH_SIZE, FlowRow, GroupState, ImpactTables
from resolvers.impact.failures import Flow, Judgement

# Above these numbers of items and relationships no complete impact is computed.
MAX_ITEMS = 200_000
MAX_EDGES = 2_000_000
# Up to this number of edges the computation needs no thread.
FEW_EDGES = 10_000
_NO_GROUP = bytes(16)
_ID = Struct("16s")


async def assess_complete_impact(tables: ImpactTables, failed: Sequence[str], walk: Walk) -> Judgement[bytes] | None:
    """Compute the complete impact; None if it has more than MAX_ITEMS items or MAX_EDGES relationships."""
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
        batch_statuses = await tables.statuses(batch, walk.as_of)
        statuses.update((pack_id(id), status) for id, status in batch_statuses.items())
    flow.statuses = statuses
    states: dict[bytes, GroupState] = {}
    for at in range(0, len(flow.group_ids), BATCH_SIZE):
        grouped = await tables.groups([unpack_id(id) for id in flow.group_ids[at : at + BATCH_SIZE]], walk.as_of)
        states.update((pack_id(id), state) for id, state in grouped.items())
    flow.groups = states
    starts = [pack_id(id) for id in failed]
    if edges <= FEW_EDGES:
        return flow.judge(starts, walk.max_depth)
    # A million edges take a second: in a thread, so that the event loop serves other requests.
    return await asyncio.to_thread(flow.judge, starts, walk.max_depth)


def _add(flow: Flow[bytes], row: FlowRow) -> None:
    groups = repeat(None) if row.groups is None else (None if id == _NO_GROUP else id for id in _ids(row.groups))
    flow.extend(row.cause, _ids(row.effects), groups, walked=row.walked)


def _ids(packed: bytes) -> list[bytes]:
    return [id for (id,) in _ID.iter_unpack(packed)]


def pack_id(id: str) -> bytes:
    """Return the 16 bytes of a UUID in canonical text form; the byte order equals the text order."""
    return bytes.fromhex(id.replace("-", ""))


def unpack_id(id: bytes) -> str:
    """Return the canonical text form of a 16-byte UUID."""
    digits = id.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
