"""The graph of the federation: walks of now on the graph store, walks at a time on the tables.

While the store is lost, late or refusing, walks of now run on the tables as well, and the call says so.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from datasources.breaker import Breaker
from datasources.errors import SourceError
from datasources.graph.port import (
    Graph,
    Neighbours,
    Paths,
    Position,
    Reach,
    StepPosition,
    Subgraph,
    TypeDegree,
    Walk,
)
from datasources.health import Health
from datasources.request import current_request, use_request

A = TypeVar("A")

# The part of the time left that the store may use up. Less than a half, which is as long as a wave of loads waits:
# the tables' answer must still come in time.
STORE_TIME_SHARE = 0.4

# Failures in a row after which the store is left alone, and seconds until one walk tries it again.
BREAKER_FAILURES = 3
BREAKER_PAUSE_SECONDS = 5.0

log = logging.getLogger("stackflow.graph")


class FederatedGraph:
    """Two graphs as one. `lost` tells whether the store cannot be reached now, and `probe` looks for it again without
    waiting; `holds` whether it has what a transaction wrote; without `fallback` a lost store is an error."""

    def __init__(
        self,
        store: Graph,
        tables: Graph,
        *,
        fallback: bool = True,
        is_lost: Callable[[], bool] = lambda: False,
        probe: Callable[[], None] = lambda: None,
        has_projected: Callable[[int], Awaitable[bool]] | None = None,
        breaker: Breaker | None = None,
    ) -> None:
        self._store = store
        self._tables = tables
        self._fallback = fallback
        self._lost = is_lost
        self._probe = probe
        self._holds = has_projected
        self._breaker = breaker or Breaker(BREAKER_FAILURES, BREAKER_PAUSE_SECONDS)

    async def neighbours(
        self, ids: Sequence[str], walk: Walk, after: StepPosition | None = None
    ) -> Mapping[str, Neighbours]:
        return await self._route(lambda graph: graph.neighbours(ids, walk, after), walk.as_of)

    async def reach(
        self, starts: Sequence[frozenset[str]], walk: Walk, after: Position | None = None
    ) -> Sequence[Reach]:
        return await self._route(lambda graph: graph.reach(starts, walk, after), walk.as_of)

    async def paths(self, from_id: str, to_id: str, walk: Walk, most: int) -> Paths:
        return await self._route(lambda graph: graph.paths(from_id, to_id, walk, most), walk.as_of)

    async def subgraph(self, ids: Sequence[str], walk: Walk, most: int) -> Subgraph:
        return await self._route(lambda graph: graph.subgraph(ids, walk, most), walk.as_of)

    async def degrees(self, ids: Sequence[str], as_of: datetime | None = None) -> Mapping[str, Sequence[TypeDegree]]:
        return await self._route(lambda graph: graph.degrees(ids, as_of), as_of)

    async def health(self) -> Health:
        """The store's own word; with the fallback, who answers for it while it cannot be reached."""
        health = await self._store.health()
        if health.reachable or not self._fallback:
            return health
        return replace(health, replaced_by="recursive SQL")

    async def close(self) -> None:
        """Close both."""
        await self._store.close()
        await self._tables.close()

    async def _route(self, ask: Callable[[Graph], Awaitable[A]], as_of: datetime | None) -> A:
        if as_of is not None or await self._is_behind():
            return await ask(self._tables)
        if not self._fallback:
            return await ask(self._store)
        if self._lost():
            self._probe()
        elif self._breaker.try_acquire():
            try:
                return await self._query_store(ask)
            except SourceError as error:
                # One line for each walk that changed hands; the client has told each traversal's own story.
                log.warning("the graph is replaced by the tables: %s", error)
        current_request().degraded.add("graph")
        return await ask(self._tables)

    async def _is_behind(self) -> bool:
        sees = current_request().min_transaction
        # 0 is the write of another database, of which the graph holds nothing.
        return sees is not None and sees > 0 and self._holds is not None and not await self._holds(sees)

    async def _query_store(self, ask: Callable[[Graph], Awaitable[A]]) -> A:
        judge = self._breaker.release
        call = current_request()
        left = call.remaining()
        # A call of its own with the same counts: other walks of this call keep the whole deadline.
        part = (
            call
            if left is None or call.deadline is None
            else replace(call, deadline=call.deadline - left * (1 - STORE_TIME_SHARE))
        )
        try:
            with use_request(part):
                answer = await ask(self._store)
            judge = self._breaker.record_success
        except SourceError:
            judge = self._breaker.record_failure
            raise
        finally:
            judge()
        return answer
