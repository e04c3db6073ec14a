"""The meter: how far the graph's copy is behind the tables."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import strawberry

from resolvers.context import Context
from resolvers.monitoring.consistency import ConsistencyRecord, consistency
from schema.declarations.fields import attribute, field


async def _consistency(context: Context, _: Any, _arguments: Mapping[str, Any]) -> ConsistencyRecord:
    return await consistency(context)


@strawberry.type(description="How far the graph's copy of items and relationships is behind the tables.")
class Consistency:
    record = ConsistencyRecord

    lag_seconds: float = attribute("Seconds since the oldest change that still waits was written; 0 if none waits.")
    pending: int = attribute("How many changes wait to be told to the graph and to the cache.")
    refused: int = attribute(
        "How many changes were set aside, as the graph refused each of them too often. "
        "`stackflow graph check --repair` tries them again."
    )
    divergent: int | None = attribute(
        "How many differences the latest comparison of the whole graph left; null if there was none yet. The server "
        "compares it in buckets, over and over, and mends what differs; `stackflow graph check` does so at once."
    )
    checked_at: datetime | None = attribute(
        "When that comparison was made: the time of the bucket that was compared longest ago, or of a later check."
    )


@strawberry.type
class ConsistencyQueries:
    consistency: Consistency | None = field(
        _consistency,
        "How far the graph is behind the tables now. Three statements, which read only what is not done yet.",
        needs="consistency:read",
    )
