"""Backlogs of queues, with age and dead letters, and states of background workers."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import strawberry

from datasources.records.workers import WorkerRecord, WorkerState
from resolvers.context import Context
from resolvers.monitoring.backlogs import QueueBacklog, backlogs, workers
from schema.declarations.enums import register_enum
from schema.declarations.fields import attribute, field

READ_PERMISSION = "consistency:read"


async def _backlogs(context: Context, _: Any, _arguments: Mapping[str, Any]) -> list[QueueBacklog]:
    return await backlogs(context)


async def _workers(context: Context, _: Any, _arguments: Mapping[str, Any]) -> list[WorkerRecord]:
    return workers(context)


register_enum(
    WorkerState,
    "The state of a background worker.",
    RUNNING="Its last round succeeded.",
    WAITING="A store is unavailable; the worker continues when the store is back.",
    FAILING="Its rounds fail for another reason; it retries every 30 seconds or sooner.",
    STUCK="Its round exceeds its time limit; restart the server.",
)


@strawberry.type(description="A background worker of the server that handles the request.")
class Worker:
    record = WorkerRecord

    name: str = attribute("Its name, for example `events`, `workflows` or `projection`.")
    state: WorkerState = attribute("Its state.")
    reason: str = attribute("The reason if it is not RUNNING, without values of rows; otherwise empty.")
    failures: int = attribute("The number of rounds that failed in a row.")
    seconds: float = attribute("The number of seconds in this state; 0 while RUNNING.")
    last_round_at: datetime | None = attribute("When a round last succeeded; null if none has succeeded yet.")


@strawberry.type(description="The messages that wait in a queue of the main database.")
class Backlog:
    record = QueueBacklog

    name: str = attribute("The name of the queue, for example `events`.", of="row.name")
    waiting: int = attribute(
        "The number of messages that wait or are in progress. For a queue in SQS, see CloudWatch.", of="row.waiting"
    )
    oldest_seconds: float = attribute(
        "The age of the oldest of them in seconds; 0 if there is none.", of="row.oldest_seconds"
    )
    dead: int = attribute(
        "The number of dead letters; `stackflow events replay` lists them with reasons.", of="row.dead"
    )
    worker: Worker | None = attribute(
        "The worker of this server that receives its messages; null for outgoing queues, whose receivers are other "
        "programs."
    )


@strawberry.type
class BacklogQueries:
    backlogs: list[Backlog] | None = field(
        _backlogs,
        "The backlog of each queue, by name. One statement, which reads all waiting messages.",
        needs=READ_PERMISSION,
        size=10,
    )
    workers: list[Worker] | None = field(
        _workers,
        "The background workers of the server that handles the request, by name; empty if they run elsewhere, as on "
        "AWS. "
        "No statement.",
        needs=READ_PERMISSION,
        size=10,
    )
