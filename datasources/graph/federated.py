"""The graph of the federation: current walks run on the graph store, walks at a past time on the tables.

While the store is unreachable, slow or refuses traversals, current walks run on the tables too, and the request is
marked as degraded.
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

# The share of the remaining time that the store may use. It is less than half, the time that a wave of loads waits, so
# that the answer of the tables still arrives in time.
STORE_TIME_SHARE = 0.4

# Consecutive failures that open the circuit breaker, and the seconds until one walk tries the store again.
BREAKER_FAILURES = 3
BREAKER_PAUSE_SECONDS = 5.0

log = logging.getLogger("stackflow.graph")


class FederatedGraph:
    """Routes walks to the graph store or to the tables.

    `is_lost` returns whether the store is unreachable now; `probe` starts a reconnection attempt without waiting;
    `has_projected` returns whether the store contains the writes of a transaction. Without `fallback`, an unreachable
    store is an error.
    """

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
        self._is_lost = is_lost
        self._probe = probe
        self._has_projected = has_projected
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
        """Return the health of the store; if it is unreachable and the fallback is on, name the replacement."""
        health = await self._store.health()
        if health.reachable or not self._fallback:
            return health
        return replace(health, replaced_by="recursive SQL")

    async def close(self) -> None:
        """Close both graphs."""
        await self._store.close()
        await self._tables.close()

    async def _route(self, query: Callable[[Graph], Awaitable[A]], as_of: datetime | None) -> A:
        if as_of is not None or await self._is_behind():
            return await query(self._tables)
        if not self._fallback:
            return await query(self._store)
        if self._is_lost():
            self._probe()
        elif self._breaker.try_acquire():
            try:
                return await self._query_store(query)
            except SourceError as error:
                # One line for each walk that falls back; the client has already logged each traversal.
                log.warning("the graph is replaced by the tables: %s", error)
        current_request().degraded.add("graph")
        return await query(self._tables)

    async def _is_behind(self) -> bool:
        transaction = current_request().min_transaction
        # 0 means a write in another database, which the graph does not contain.
        if transaction is None or transaction <= 0 or self._has_projected is None:
            return False
        return not await self._has_projected(transaction)

    async def _query_store(self, query: Callable[[Graph], Awaitable[A]]) -> A:
        settle = self._breaker.release
        call = current_request()
        remaining = call.remaining()
        # A copy with its own deadline and shared usage counters: other walks of this request keep the full deadline.
        limited = (
            call
            if remaining is None or call.deadline is None
            else replace(call, deadline=call.deadline - remaining * (1 - STORE_TIME_SHARE))
        )
        try:
            with use_request(limited):
                answer = await query(self._store)
            settle = self._breaker.record_success
        except SourceError:
            settle = self._breaker.record_failure
            raise
        finally:
            settle()
        return answer
