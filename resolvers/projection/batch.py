"""One round of projection: claim rows of the outbox, read what they changed, apply it to the graph, mark the rows."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.outbox import outbox
from datasources.aurora.outbox.outbox import OutboxRow
from datasources.errors import SourceError, SourceRefused, SourceUnavailable
from datasources.graph.projection import Changes, NodeChange, Projection
from datasources.graph.recursive.source import RelationalSource
from datasources.observability.exceptions import describe
from datasources.supervisor import CaughtError, attempt
from resolvers.projection.changes import ITEM, RELATIONSHIP, ChangedEntity, build_changes, group_by_entity

GRAPH_SOURCE = "graph"
# Batches that are written concurrently: as many as the graph client has connections.
MAX_CONCURRENT_BATCHES = 4
# Entities of one batch; batches that were written before a failure or the deadline are not repeated.
BATCH_SIZE = 500
# After this number of rejections a row is set aside.
MAX_ATTEMPTS = 5


@dataclass(slots=True)
class ProjectionBatch:
    """The rows and entities of one round, and what became of them. `apply` and `mark` change it, nothing else does.

    `entities` has the entities to write by their ids: those of the rows, and those of rounds whose commit is
    unconfirmed. `written` has the ids of entities that are in the graph, `refused` the reasons of rejected ones, and
    `lost` the error after which nothing more was written. `nodes` and `edges` are the numbers of sent changes.
    """

    rows: Sequence[OutboxRow]
    entities: dict[str, ChangedEntity]
    written: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)
    lost: SourceError | None = None
    nodes: int = 0
    edges: int = 0

    @property
    def unconfirmed(self) -> dict[str, ChangedEntity]:
        """The entities that are neither written nor refused; the next round writes them."""
        return {id: each for id, each in self.entities.items() if id not in self.written and id not in self.refused}

    @property
    def retried(self) -> bool:
        """Whether rows remain pending because the graph rejected their entities."""
        return any(row.entity_id in self.refused for row in self.rows)

    @property
    def lag(self) -> float:
        """The age in seconds of the oldest row; 0 without rows."""
        return max((row.age for row in self.rows), default=0.0)


async def claim(transaction: Transaction, limit: int, unconfirmed: dict[str, ChangedEntity]) -> ProjectionBatch:
    """Claim at most `limit` rows in the transaction. `unconfirmed` has the entities of earlier rounds."""
    rows = await outbox.claim(transaction, limit)
    entities = dict(unconfirmed)
    for each in await group_by_entity(RelationalSource(transaction), rows):
        earlier = entities.get(each.id)
        entities[each.id] = each if earlier is None else each.with_versions(*earlier.before)
    return ProjectionBatch(rows, entities)


async def apply(
    batch: ProjectionBatch, transaction: Transaction, projection: Projection, concurrency: int = MAX_CONCURRENT_BATCHES
) -> None:
    """Write the entities to the graph in concurrent batches.

    Those rejected before are written alone, so that they do not affect the others. If the graph rejects every write,
    it counts as unavailable. Raises SourceError of the database; an error of the graph is `lost`.
    """
    writer = _Writer(batch, RelationalSource(transaction), projection)
    new = [each for each in batch.entities.values() if not each.attempts]
    try:
        if len(new) <= BATCH_SIZE:
            await writer.write(new)
        else:
            # Items first: otherwise concurrent batches could create the same ends.
            for kind in (ITEM, RELATIONSHIP):
                await writer.write_batches([each for each in new if each.kind == kind], concurrency)
        for each in [each for each in batch.entities.values() if each.attempts]:
            await writer.write([each])
        if batch.refused and not batch.written:
            await writer.probe()
    except (SourceUnavailable, SourceRefused) as error:
        if error.source != GRAPH_SOURCE:
            raise
        batch.lost = error
        batch.refused.clear()


async def mark(batch: ProjectionBatch, transaction: Transaction) -> tuple[int, int]:
    """Mark rows as projected and record rejections; return how many rows are finished and how many are set aside."""
    pending = {row.position: row for row in batch.rows if row.entity_id not in batch.written and _is_projected(row)}
    finished = [row.position for row in batch.rows if row.position not in pending]
    if finished or batch.written:
        await outbox.mark_projected(transaction, finished, sorted(batch.written))
    refused = batch.refused
    reasons = {position: refused[row.entity_id] for position, row in pending.items() if row.entity_id in refused}
    set_aside = await outbox.record_failures(transaction, reasons, MAX_ATTEMPTS) if reasons else 0
    return len(finished), set_aside


@dataclass(slots=True)
class _Writer:
    batch: ProjectionBatch
    truth: RelationalSource
    projection: Projection

    async def write_batches(self, entities: Sequence[ChangedEntity], concurrency: int) -> None:
        parts = [entities[begin : begin + BATCH_SIZE] for begin in range(0, len(entities), BATCH_SIZE)]
        for begin in range(0, len(parts), concurrency):
            # Wait for all: cancelling a batch while it reads would abort the transaction, and with it the marks of
            # batches that were written.
            ends = await asyncio.gather(*map(self.write, parts[begin : begin + concurrency]), return_exceptions=True)
            for end in ends:
                if isinstance(end, BaseException):
                    raise end

    async def write(self, entities: Sequence[ChangedEntity]) -> None:
        if not entities:
            return
        changes = await attempt(partial(build_changes, self.truth, entities))
        if isinstance(changes, CaughtError):
            # One of them is unreadable: the others are still written.
            await self._bisect(entities, changes.error)
            return
        batch = self.batch
        # A version that is about to be sent may have to be removed later, if this round is not committed.
        for change in changes.edges:
            id = change.version.edge.id
            batch.entities[id] = batch.entities[id].with_versions(change.version)
        try:
            await self.projection.apply(changes)
        except SourceRefused as error:
            await self._bisect(entities, error)
        else:
            batch.written.update(each.id for each in entities)
            batch.nodes += len(changes.nodes)
            batch.edges += len(changes.edges)

    async def _bisect(self, entities: Sequence[ChangedEntity], error: Exception) -> None:
        if len(entities) == 1:
            self.batch.refused[entities[0].id] = describe(error)
            return
        middle = len(entities) // 2
        await self.write(entities[:middle])
        await self.write(entities[middle:])

    async def probe(self) -> None:
        # Credentials without write access reject everything; then no row is to blame.
        refused = self.batch.refused
        for id in await self.truth.nodes(None, len(refused) + 1):
            if id not in refused:
                await self.projection.apply(Changes(nodes=(NodeChange(id),)))
                return


def _is_projected(row: OutboxRow) -> bool:
    return row.entity in (ITEM, RELATIONSHIP)
