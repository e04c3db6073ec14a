"""How much there is to do: what waits in each queue, how long, what was rejected, and how the workers fare."""

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
    "How a background worker fares.",
    RUNNING="Its last round ended well.",
    WAITING="A store is lost; it goes on once that is back.",
    FAILING="Its rounds fail for another reason; it tries again every 30 seconds or sooner.",
    STUCK="Its round has not ended within its bound; restart the server.",
)


@strawberry.type(description="A background worker of the server that answers.")
class Worker:
    record = WorkerRecord

    name: str = attribute("For example `events`, `workflows` or `projection`.")
    state: WorkerState = attribute("How it fares.")
    reason: str = attribute("Why, if it is not RUNNING, without any value of a row; else empty.")
    failures: int = attribute("How many of its rounds failed in a row.")
    seconds: float = attribute("For how many seconds it has been in this state; 0 while RUNNING.")
    last_round_at: datetime | None = attribute("When a round of it last ended well; null if none did yet.")


@strawberry.type(description="How much there is to do in a queue that is kept in the main database.")
class Backlog:
    record = QueueBacklog

    name: str = attribute("The queue, for example `events`.", of="row.name")
    waiting: int = attribute(
        "How many messages wait or are being worked on. Of a queue in SQS, CloudWatch tells it.", of="row.waiting"
    )
    oldest_seconds: float = attribute(
        "For how many seconds the oldest of them has been there; 0 if none is.", of="row.oldest_seconds"
    )
    dead: int = attribute(
        "How many messages could have no effect; `stackflow events replay` lists them with reasons.", of="row.dead"
    )
    worker: Worker | None = attribute(
        "The worker of this server that takes messages from it; null if none does: others receive what goes out."
    )


@strawberry.type
class BacklogQueries:
    backlogs: list[Backlog] | None = field(
        _backlogs,
        "What waits in each queue, by name. One statement, which reads every message that waits.",
        needs=READ_PERMISSION,
        size=10,
    )
    workers: list[Worker] | None = field(
        _workers,
        "The background workers of the server that answers, by name; none where they run elsewhere, as on AWS. No "
        "statement.",
        needs=READ_PERMISSION,
        size=10,
    )
