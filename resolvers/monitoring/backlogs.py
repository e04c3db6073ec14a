"""How much there is to do in the queues, and how the workers fare."""

from typing import NamedTuple

from datasources.aurora.monitoring import backlogs as rows
from datasources.records.backlogs import BacklogRecord
from datasources.records.workers import WorkerRecord
from resolvers.context import Context


class QueueBacklog(NamedTuple):
    """What waits in a queue, and the worker of this process that takes messages from it: the one of its name."""

    row: BacklogRecord
    worker: WorkerRecord | None


async def backlogs(context: Context) -> list[QueueBacklog]:
    """As of now, in one statement. Errors are those of the main database."""
    found = {each.name: each for each in workers(context)}
    return [QueueBacklog(row, found.get(row.name)) for row in await rows.fetch_backlogs(context.sources.main)]


def workers(context: Context) -> list[WorkerRecord]:
    """The background workers of this process, by name."""
    return context.sources.heartbeats.records()
