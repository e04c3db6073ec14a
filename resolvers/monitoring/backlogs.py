"""Backlogs of the queues and the state of their workers."""

from typing import NamedTuple

from datasources.aurora.monitoring import backlogs as rows
from datasources.records.backlogs import BacklogRecord
from datasources.records.workers import WorkerRecord
from resolvers.context import Context


class QueueBacklog(NamedTuple):
    """The backlog of a queue, and the worker of this process with the same name, which receives its messages."""

    row: BacklogRecord
    worker: WorkerRecord | None


async def backlogs(context: Context) -> list[QueueBacklog]:
    """Return the current backlogs, by one statement. Errors are those of the main database."""
    by_name = {each.name: each for each in workers(context)}
    return [QueueBacklog(row, by_name.get(row.name)) for row in await rows.fetch_backlogs(context.sources.main)]


def workers(context: Context) -> list[WorkerRecord]:
    """Return the background workers of this process, by name."""
    return context.sources.heartbeats.records()
