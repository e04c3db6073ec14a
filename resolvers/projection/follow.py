"""Following the outbox: what was committed reaches the graph."""

import asyncio
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import partial

from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.outbox import outbox
from datasources.aurora.outbox.outbox import OutboxRow
from datasources.errors import SourceError, SourceRefused, SourceUnavailable
from datasources.graph.projection import Changes, NodeChange, Projection
from datasources.graph.recursive.source import RelationalSource
from datasources.observability.exceptions import describe
from datasources.observability.spans import INTERNAL, record_call, record_work
from datasources.request import RequestContext, use_request
from datasources.sources import Sources
from datasources.supervisor import CaughtError, attempt
from resolvers.projection.changes import ITEM, RELATIONSHIP, ChangedEntity, build_changes, group_by_entity
from resolvers.projection.stale import TRAVERSAL_TABLES

GRAPH_SOURCE = "graph"
# Rows of one round; and of one that comes after a full one, as much waits then: rows of one entity are told as one, and
# what is told goes in parts of which several are under way.
ROWS_PER_ROUND, MAX_ROWS_PER_ROUND = 1_000, 10_000
# Parts that the graph is told at once: as many as its client has sockets.
MAX_CONCURRENT_BATCHES = 4
# Entities that are told at once; what was told before the graph was lost, or the time was over, needs no second time.
BATCH_SIZE = 500
# After so many refusals a row is set aside.
MAX_ATTEMPTS = 5
# Seconds in which a round may write to the graph; until its transaction must have ended; and of silence after which
# the server ends it. Each leaves the one before it time to end first.
WRITE_DEADLINE_SECONDS, ROUND_DEADLINE_SECONDS, IDLE_TRANSACTION_SECONDS = 20.0, 25.0, 30.0
# Seconds between two looks whether the projector that is at work is done.
LOCK_POLL_SECONDS = 0.1


@dataclass(slots=True)
class ProjectionRound:
    """What one round did: rows that are done, nodes and edges sent, rows set aside. `lag` is the age in seconds of
    the oldest row it saw; `full` says that more may wait; `held` is false if another projector is at work."""

    held: bool = True
    rows: int = 0
    nodes: int = 0
    edges: int = 0
    refused: int = 0
    lag: float = 0.0
    full: bool = False
    retried: bool = False
    seconds: float = 0.0


@dataclass(slots=True)
class _WriteOutcome:
    """What became of the entities of a round."""

    done: list[ChangedEntity] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    lost: SourceError | None = None


class OutboxProjector:
    """One projector. Of all that run, in whatever process, one is at work at a time.

    A round is one transaction of the main database that holds a lock: claim rows, read the present state of the
    entities from the tables, tell the graph, make cached walks misses, mark the rows. As the state counts and not the
    change, a round that broke off anywhere is repeated, and later rows of an entity find nothing to do.

    The graph knows no such lock. A process that sleeps in the middle of a round wakes behind its deadline, which ends
    before the server gives its lock to another, so it sends nothing any more; and each part of a round is read within
    the transaction, which fails if the connection was lost. Only one that loses it between that reading and the
    sending may write an older state after another projector's newer one. It learns of it when it commits, and repeats
    the entities of that round in its next one, read anew. What is left: that it ends before, or that the engine runs a
    traversal of a process that is gone after one of its successor. That leaves an older state of a few edges or nodes,
    until the next change of them or the next comparison mends it.
    """

    def __init__(
        self,
        sources: Sources,
        rows: int = ROWS_PER_ROUND,
        *,
        backlog: int = MAX_ROWS_PER_ROUND,
        at_once: int = MAX_CONCURRENT_BATCHES,
    ) -> None:
        self._sources = sources
        self._rows = rows
        self._backlog = max(rows, backlog)
        self._at_once = at_once
        # Whether the last round was full.
        self._behind = False
        # Entities of rounds whose end is not known.
        self._owed: dict[str, ChangedEntity] = {}

    async def run_round(self) -> ProjectionRound:
        """Do what the first rows ask for. SourceUnavailable if the database or the graph is lost: what was not done
        waits for the next round. SourceRefused if the graph refuses whatever it is told."""
        begin = time.perf_counter()
        clock = asyncio.get_running_loop().time()
        done = ProjectionRound()
        outcome = _WriteOutcome()
        call = RequestContext(deadline=clock + ROUND_DEADLINE_SECONDS)
        with use_request(call), record_call("projection", INTERNAL, call, keep_idle=False) as recording:
            async with self._sources.main.transaction() as transaction:
                if not await outbox.lock(transaction, IDLE_TRANSACTION_SECONDS):
                    return ProjectionRound(held=False)
                most = self._backlog if self._behind else self._rows
                rows = await outbox.claim(transaction, most)
                truth = RelationalSource(transaction)
                entities = await group_by_entity(truth, rows)
                done.lag = max((row.age for row in rows), default=0.0)
                done.full = self._behind = len(rows) == most
                projection = self._sources.projection
                if projection is None:
                    outcome.done = entities
                elif entities or self._owed:
                    self._track_unconfirmed(entities)
                    with use_request(
                        RequestContext(request_id=call.request_id, deadline=clock + WRITE_DEADLINE_SECONDS)
                    ):
                        telling = _BatchWriter(truth, projection, done, self._owed, self._at_once)
                        outcome = await telling.write(list(self._owed.values()))
                if outcome.done and projection is not None:
                    # A walk that ran before the graph knew may have been stored since.
                    await self._sources.cache.invalidate(TRAVERSAL_TABLES)
                await _mark(transaction, rows, outcome, done)
                record_work(recording, "stackflow.rows", len(rows))
        # The commit is known: nobody else was at work meanwhile.
        told = {each.id for each in outcome.done} | outcome.refused.keys()
        self._owed = {id: each for id, each in self._owed.items() if id not in told}
        done.seconds = time.perf_counter() - begin
        if outcome.lost is not None:
            raise outcome.lost
        return done

    async def run_until_done(self, until: float | None = None) -> ProjectionRound:
        """Rounds until nothing waits, none begun later than `until` by the clock of the event loop, but at least one;
        their sums. Waits for another projector that is at work. Errors as `round`."""
        clock = asyncio.get_running_loop().time
        sums = ProjectionRound()
        while True:
            done = await self.run_round()
            _add(sums, done)
            if (done.held and not done.full and not done.retried) or (until is not None and clock() >= until):
                return sums
            if not done.held:
                await asyncio.sleep(LOCK_POLL_SECONDS)

    def _track_unconfirmed(self, entities: Sequence[ChangedEntity]) -> None:
        for each in entities:
            owed = self._owed.get(each.id)
            self._owed[each.id] = each if owed is None else each.with_versions(*owed.before)


async def _mark(
    transaction: Transaction, rows: Sequence[OutboxRow], outcome: _WriteOutcome, done: ProjectionRound
) -> None:
    told = {each.id for each in outcome.done}
    waits = {row.position: row for row in rows if row.entity_id not in told and _is_projected(row)}
    finished = [row.position for row in rows if row.position not in waits]
    done.rows = len(finished)
    if finished or told:
        await outbox.mark_projected(transaction, finished, sorted(told))
    refused = outcome.refused
    reasons = {position: refused[row.entity_id] for position, row in waits.items() if row.entity_id in refused}
    if reasons:
        done.retried = True
        done.refused = await outbox.record_failures(transaction, reasons, MAX_ATTEMPTS)


class _BatchWriter:
    """Telling the graph, as much at once as it takes."""

    def __init__(
        self,
        truth: RelationalSource,
        projection: Projection,
        done: ProjectionRound,
        owed: dict[str, ChangedEntity],
        at_once: int,
    ) -> None:
        self._truth = truth
        self._projection = projection
        self._done = done
        self._owed = owed
        self._at_once = at_once
        self._outcome = _WriteOutcome()

    async def write(self, entities: Sequence[ChangedEntity]) -> _WriteOutcome:
        """What was refused before goes alone, so that it costs the others nothing. If it is not the entities that the
        graph refuses, it counts as lost."""
        outcome = self._outcome
        try:
            new = [each for each in entities if not each.attempts]
            if len(new) <= BATCH_SIZE:
                await self._write_batch(new)
            else:
                # Items first: parts that are under way together must not each look for the same ends and make them.
                for kind in (ITEM, RELATIONSHIP):
                    await self._write_batches([each for each in new if each.kind == kind])
            for each in entities:
                if each.attempts:
                    await self._write_batch([each])
            if outcome.refused and not outcome.done:
                await self._probe(outcome.refused.keys())
        except (SourceUnavailable, SourceRefused) as error:
            if error.source != GRAPH_SOURCE:
                raise
            outcome.lost = error
            outcome.refused.clear()
        return outcome

    async def _write_batches(self, entities: Sequence[ChangedEntity]) -> None:
        parts = [entities[begin : begin + BATCH_SIZE] for begin in range(0, len(entities), BATCH_SIZE)]
        for begin in range(0, len(parts), self._at_once):
            some = parts[begin : begin + self._at_once]
            # All are waited for: one that is cancelled while it reads would end the transaction, and with it what was
            # told of the others.
            ends = await asyncio.gather(*map(self._write_batch, some), return_exceptions=True)
            for end in ends:
                if isinstance(end, BaseException):
                    raise end

    async def _write_batch(self, entities: Sequence[ChangedEntity]) -> None:
        if not entities:
            return
        changes = await attempt(partial(build_changes, self._truth, entities))
        if isinstance(changes, CaughtError):
            # One of them cannot be read, whatever the tables hold of it: the others are told.
            await self._bisect(entities, changes.error)
            return
        # What is about to be sent may have to be taken back, should this round not be the last word.
        for change in changes.edges:
            id = change.version.edge.id
            self._owed[id] = self._owed[id].with_versions(change.version)
        try:
            await self._projection.apply(changes)
        except SourceRefused as error:
            await self._bisect(entities, error)
        else:
            self._outcome.done += entities
            self._done.nodes += len(changes.nodes)
            self._done.edges += len(changes.edges)

    async def _bisect(self, entities: Sequence[ChangedEntity], error: Exception) -> None:
        if len(entities) == 1:
            self._outcome.refused[entities[0].id] = describe(error)
            return
        middle = len(entities) // 2
        await self._write_batch(entities[:middle])
        await self._write_batch(entities[middle:])

    async def _probe(self, ids: Collection[str]) -> None:
        # A role that may not write refuses everything; then no row is to blame.
        for id in await self._truth.nodes(None, len(ids) + 1):
            if id not in ids:
                await self._projection.apply(Changes(nodes=(NodeChange(id),)))
                return


def _is_projected(row: OutboxRow) -> bool:
    return row.entity in (ITEM, RELATIONSHIP)


def _add(sums: ProjectionRound, done: ProjectionRound) -> None:
    sums.rows += done.rows
    sums.nodes += done.nodes
    sums.edges += done.edges
    sums.refused += done.refused
    sums.lag = max(sums.lag, done.lag)
    sums.seconds += done.seconds
