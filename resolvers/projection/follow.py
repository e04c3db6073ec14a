"""Follow the outbox: write committed changes to the graph, round after round."""

import asyncio
import time
from dataclasses import dataclass

from datasources.aurora.outbox import outbox
from datasources.aurora.tables.invalidation import TRAVERSAL_TABLES
from datasources.observability.spans import INTERNAL, record_call, record_work
from datasources.request import RequestContext, use_request
from datasources.sources import Sources
from resolvers.projection.batch import MAX_CONCURRENT_BATCHES, apply, claim, mark
from resolvers.projection.changes import ChangedEntity

# Maximum number of rows of one round.
ROWS_PER_ROUND = 1_000
# Maximum after a full round, when many rows are pending: rows of one entity are merged, and batches are written
# concurrently.
MAX_ROWS_PER_ROUND = 10_000
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
        self._unconfirmed: dict[str, ChangedEntity] = {}

    async def run_round(self) -> ProjectionRound:
        """Process the first pending rows. Raises SourceUnavailable if the database or the graph fails: unfinished rows
        remain pending. Raises SourceRefused if the graph rejects every write."""
        begin = time.perf_counter()
        clock = asyncio.get_running_loop().time()
        call = RequestContext(deadline=clock + ROUND_DEADLINE_SECONDS)
        with use_request(call), record_call("projection", INTERNAL, call, keep_idle=False) as recording:
            async with self._sources.main.transaction() as transaction:
                if not await outbox.lock(transaction, IDLE_TRANSACTION_SECONDS):
                    return ProjectionRound(held=False)
                limit = self._backlog if self._behind else self._rows
                batch = await claim(transaction, limit, self._unconfirmed)
                self._behind = len(batch.rows) == limit
                projection = self._sources.projection
                if projection is None:
                    batch.written.update(batch.entities)
                elif batch.entities:
                    # From here on the graph may have what this transaction does not confirm.
                    self._unconfirmed = batch.entities
                    with use_request(
                        RequestContext(request_id=call.request_id, deadline=clock + WRITE_DEADLINE_SECONDS)
                    ):
                        await apply(batch, transaction, projection, self._at_once)
                    if batch.written:
                        # A walk may have been cached after the commit but before the graph was updated.
                        await self._sources.cache.invalidate(TRAVERSAL_TABLES)
                finished, set_aside = await mark(batch, transaction)
                record_work(recording, "stackflow.rows", len(batch.rows))
        # The commit is confirmed: no other projector worked in the meantime.
        self._unconfirmed = batch.unconfirmed
        if batch.lost is not None:
            raise batch.lost
        return ProjectionRound(
            rows=finished,
            nodes=batch.nodes,
            edges=batch.edges,
            refused=set_aside,
            lag=batch.lag,
            full=self._behind,
            retried=batch.retried,
            seconds=time.perf_counter() - begin,
        )

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


def _add(sums: ProjectionRound, done: ProjectionRound) -> None:
    sums.rows += done.rows
    sums.nodes += done.nodes
    sums.edges += done.edges
    sums.refused += done.refused
    sums.lag = max(sums.lag, done.lag)
    sums.seconds += done.seconds
