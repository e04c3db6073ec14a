"""Follow the outbox: write committed changes to the graph."""

import asyncio
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import partial

from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.outbox import outbox
from datasources.aurora.outbox.outbox import OutboxRow
from datasources.aurora.tables.invalidation import TRAVERSAL_TABLES
from datasources.errors import SourceError, SourceRefused, SourceUnavailable
from datasources.graph.projection import Changes, NodeChange, Projection
from datasources.graph.recursive.source import RelationalSource
from datasources.observability.exceptions import describe
from datasources.observability.spans import INTERNAL, record_call, record_work
from datasources.request import RequestContext, use_request
from datasources.sources import Sources
from datasources.supervisor import CaughtError, attempt
from resolvers.projection.changes import ITEM, RELATIONSHIP, ChangedEntity, build_changes, group_by_entity

GRAPH_SOURCE = "graph"
# Maximum number of rows of one round.
ROWS_PER_ROUND = 1_000
# Maximum after a full round, when many rows are pending: rows of one entity are merged, and batches are written
# concurrently.
MAX_ROWS_PER_ROUND = 10_000
# Batches that are written concurrently: as many as the graph client has connections.
MAX_CONCURRENT_BATCHES = 4
# Entities of one batch; batches that were written before a failure or the deadline are not repeated.
BATCH_SIZE = 500
# After this number of rejections a row is set aside.
MAX_ATTEMPTS = 5
# Each of these ends before the next one, so that a round stops writing before its lock is released.
# For writes to the graph.
WRITE_DEADLINE_SECONDS = 20.0
# For the transaction of a round.
ROUND_DEADLINE_SECONDS = 25.0
# The server ends a transaction after this time without a statement.
IDLE_TRANSACTION_SECONDS = 30.0
# Between two attempts to get the lock that another projector holds.
LOCK_POLL_SECONDS = 0.1


@dataclass(slots=True)
class ProjectionRound:
    """Counts of one round: finished rows, sent nodes and edges, rows set aside.

    `lag` is the age in seconds of the oldest row read; `full` means that more rows may wait; `held` is False if another
    projector holds the lock.
    """

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
    """The results of writing the entities of a round."""

    done: list[ChangedEntity] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    lost: SourceError | None = None


class OutboxProjector:
    """One projector. Of all projectors in all processes, one works at a time.

    A round is one transaction of the main database that holds a lock: claim rows, read the current state of their
    entities, write it to the graph, invalidate cached walks, mark the rows. Since the state is written and not the
    change, an interrupted round can be repeated, and later rows of an entity change nothing.

    The graph has no such lock. A process that is suspended in the middle of a round resumes after its deadline, which
    is earlier than the server's release of the lock, so it sends nothing more; and each batch is read within the
    transaction, which fails if the connection was lost. Only a projector that loses the connection between reading and
    sending can write an older state after another projector's newer one. It notices at the commit, and repeats the
    entities of that round in the next one with new reads. Two cases remain: the process ends before that, or the engine
    executes a traversal of a dead process after one of its successor. They leave an older state of a few edges or nodes
    until these change again or the next consistency check repairs them.
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
        # Entities of rounds whose commit is unconfirmed.
        self._owed: dict[str, ChangedEntity] = {}

    async def run_round(self) -> ProjectionRound:
        """Process the first pending rows. Raises SourceUnavailable if the database or the graph fails: unfinished rows
        remain pending. Raises SourceRefused if the graph rejects every write."""
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
                        writer = _BatchWriter(truth, projection, done, self._owed, self._at_once)
                        outcome = await writer.write(list(self._owed.values()))
                if outcome.done and projection is not None:
                    # A walk may have been cached after the commit but before the graph was updated.
                    await self._sources.cache.invalidate(TRAVERSAL_TABLES)
                await _mark(transaction, rows, outcome, done)
                record_work(recording, "stackflow.rows", len(rows))
        # The commit is confirmed: no other projector worked in the meantime.
        settled = {each.id for each in outcome.done} | outcome.refused.keys()
        self._owed = {id: each for id, each in self._owed.items() if id not in settled}
        done.seconds = time.perf_counter() - begin
        if outcome.lost is not None:
            raise outcome.lost
        return done

    async def run_until_done(self, until: float | None = None) -> ProjectionRound:
        """Run rounds until no row is pending and return their sums; waits while another projector works.

        No round but the first starts later than `until`, in the clock of the event loop. Errors as for `run_round`.
        """
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
    written = {each.id for each in outcome.done}
    waits = {row.position: row for row in rows if row.entity_id not in written and _is_projected(row)}
    finished = [row.position for row in rows if row.position not in waits]
    done.rows = len(finished)
    if finished or written:
        await outbox.mark_projected(transaction, finished, sorted(written))
    refused = outcome.refused
    reasons = {position: refused[row.entity_id] for position, row in waits.items() if row.entity_id in refused}
    if reasons:
        done.retried = True
        done.refused = await outbox.record_failures(transaction, reasons, MAX_ATTEMPTS)


class _BatchWriter:
    """Writes entities to the graph in concurrent batches."""

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
        """Write the entities; those rejected before are written alone, so that they do not affect the others. If the
        graph rejects every write, it counts as unavailable."""
        outcome = self._outcome
        try:
            new = [each for each in entities if not each.attempts]
            if len(new) <= BATCH_SIZE:
                await self._write_batch(new)
            else:
                # Items first: otherwise concurrent batches could create the same ends.
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
            # Wait for all: cancelling a batch while it reads would abort the transaction, and with it the marks of
            # batches that were written.
            ends = await asyncio.gather(*map(self._write_batch, some), return_exceptions=True)
            for end in ends:
                if isinstance(end, BaseException):
                    raise end

    async def _write_batch(self, entities: Sequence[ChangedEntity]) -> None:
        if not entities:
            return
        changes = await attempt(partial(build_changes, self._truth, entities))
        if isinstance(changes, CaughtError):
            # One of them is unreadable: the others are still written.
            await self._bisect(entities, changes.error)
            return
        # A version that is about to be sent may have to be removed later, if this round is not committed.
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
        # Credentials without write access reject everything; then no row is to blame.
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
