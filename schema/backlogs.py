"""How much there is to do: what waits in each queue, how long, and what was rejected."""

from collections.abc import Mapping
from typing import Any

import strawberry

from datasources.records.backlogs import BacklogRecord
from resolvers.backlogs import backlogs
from resolvers.context import Context
from schema.fields import attribute, field


async def _backlogs(context: Context, _: Any, _arguments: Mapping[str, Any]) -> list[BacklogRecord]:
    return await backlogs(context)


@strawberry.type(description="How much there is to do in a queue that is kept in the main database.")
class Backlog:
    record = BacklogRecord

    name: str = attribute("The queue, for example `events`.")
    waiting: int = attribute("How many messages wait or are being worked on. Of a queue in SQS, CloudWatch tells it.")
    oldest_seconds: float = attribute("For how many seconds the oldest of them has been there; 0 if none is.")
    dead: int = attribute("How many messages could have no effect; `stackflow events replay` lists them with reasons.")


@strawberry.type
class BacklogQueries:
    backlogs: list[Backlog] | None = field(
        _backlogs,
        "What waits in each queue, by name. One statement, which reads every message that waits.",
        needs="consistency:read",
    )
