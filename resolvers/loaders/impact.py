"""Loaders of what judging an impact takes. Not cached: an answer of 100,000 items would fill the cache for one."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from datasources.call import calling, current_call
from datasources.errors import SourceTimeout
from datasources.graph.port import Walk
from datasources.graph.recursive.impact import BATCH, GroupState, ImpactTables
from resolvers.failures import Flow, Judgement
from resolvers.loaders.loader import Loader

# A whole impact is computed up to so many items and relationships: about 60 MB and 8 s of processor time at the most.
MAX_ITEMS = 200_000
MAX_EDGES = 2_000_000
# The part of the time left that a whole impact may use up; what is left is enough for one page without outcomes.
SHARE = 0.6
# Edges judged without a thread of their own: less than the loop is ever held up by one answer.
FEW_EDGES = 10_000
_NO_GROUP = bytes(16)


@dataclass(frozen=True, slots=True)
class WholeImpact:
    """A judgement by ids of 16 bytes; None where the impact is too large, or `late` where it took too long."""

    judgement: Judgement[bytes] | None = None
    late: bool = False


class StatusesByNodes(Loader[tuple[str, ...], Mapping[str, str]]):
    """The status of those of each set of items (sorted ids) that are not ACTIVE. `arguments` is the moment."""

    arguments: datetime | None

    async def fetch(self, keys: Sequence[tuple[str, ...]]) -> Mapping[tuple[str, ...], Mapping[str, str]]:
        tables = ImpactTables(self.context.sources.main)
        return {key: await tables.statuses(key, self.arguments) for key in keys}

    def absent(self, key: tuple[str, ...]) -> Mapping[str, str]:
        return {}


class GroupStateById(Loader[str, GroupState | None]):
    """The state of redundancy groups. `arguments` is the moment."""

    arguments: datetime | None

    async def fetch(self, keys: Sequence[str]) -> Mapping[str, GroupState | None]:
        return dict(await ImpactTables(self.context.sources.main).groups(keys, self.arguments))

    def absent(self, key: str) -> GroupState | None:
        return None


class WholeImpactByStarts(Loader[tuple[str, ...], WholeImpact]):
    """The whole impact of each set of failed items (sorted ids), from the tables: one statement for what is reached,
    and two for each 10,000 of it. `arguments` is the walk, of which depth, types and time count."""

    arguments: Walk

    async def fetch(self, keys: Sequence[tuple[str, ...]]) -> Mapping[tuple[str, ...], WholeImpact]:
        return {key: await self._whole(key) for key in keys}

    def absent(self, key: tuple[str, ...]) -> WholeImpact:
        return WholeImpact()

    async def _whole(self, failed: tuple[str, ...]) -> WholeImpact:
        call = current_call()
        left = call.remaining()
        if left is not None and call.deadline is not None:
            call = replace(call, deadline=call.deadline - left * (1 - SHARE))
        try:
            with calling(call):
                return WholeImpact(await whole(ImpactTables(self.context.sources.main), failed, self.arguments))
        except SourceTimeout:
            return WholeImpact(late=True)


async def whole(tables: ImpactTables, failed: Sequence[str], walk: Walk) -> Judgement[bytes] | None:
    """The whole impact from the tables; None if it has more than MAX_ITEMS items or MAX_EDGES relationships."""
    ids = await tables.closure(failed, walk, MAX_ITEMS)
    if len(ids) > MAX_ITEMS:
        return None
    flow: Flow[bytes] = Flow()
    statuses: dict[bytes, str] = {}
    edges = 0
    for at in range(0, len(ids), BATCH):
        batch = [text(id) for id in ids[at : at + BATCH]]
        for cause, effects, groups in await tables.edges(batch, walk, MAX_EDGES - edges):
            edges += len(effects) // 16
            _add(flow, cause, effects, groups)
        if edges > MAX_EDGES:
            return None
        found = await tables.statuses(batch, walk.as_of)
        statuses.update((packed(id), status) for id, status in found.items())
    flow.statuses = statuses
    states: dict[bytes, GroupState] = {}
    for at in range(0, len(flow.group_ids), BATCH):
        grouped = await tables.groups([text(id) for id in flow.group_ids[at : at + BATCH]], walk.as_of)
        states.update((packed(id), state) for id, state in grouped.items())
    flow.groups = states
    starts = [packed(id) for id in failed]
    if edges <= FEW_EDGES:
        return flow.judge(starts, walk.max_depth)
    # A second of work at a million edges: in a thread, so that the loop answers others meanwhile.
    return await asyncio.to_thread(flow.judge, starts, walk.max_depth)


def _add(flow: Flow[bytes], cause: bytes, effects: bytes, groups: bytes) -> None:
    for at in range(0, len(effects), 16):
        group = groups[at : at + 16]
        flow.add(cause, effects[at : at + 16], None if group == _NO_GROUP else group)


def packed(id: str) -> bytes:
    """The 16 bytes of a uuid in canonical text form; their order is that of the texts."""
    return bytes.fromhex(id.replace("-", ""))


def text(id: bytes) -> str:
    """The canonical text form of a uuid of 16 bytes."""
    digits = id.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
