"""The lag and the consistency of the projection in the graph store."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import strawberry

from resolvers.context import Context
from resolvers.monitoring.consistency import ConsistencyRecord, consistency
from schema.declarations.fields import attribute, field


async def _consistency(context: Context, _: Any, _arguments: Mapping[str, Any]) -> ConsistencyRecord:
    return await consistency(context)


@strawberry.type(
    description="The lag and the consistency of the projection, the copy of items and relationships in the graph store."
)
class Consistency:
    record = ConsistencyRecord

    lag_seconds: float = attribute(
        "The age in seconds of the oldest change that waits for the projection; 0 if none waits."
    )
    pending: int = attribute("The number of changes that wait for the projection and the invalidation of the cache.")
    refused: int = attribute(
        "The number of changes that were set aside because the graph store rejected them too often. "
        "`stackflow graph check --repair` retries them."
    )
    divergent: int | None = attribute(
        "The number of differences that the latest comparison of the whole graph left; null before the first one. The "
        "server compares the graph continuously, in buckets, and repairs differences; `stackflow graph check` does so "
        "at "
        "once."
    )
    checked_at: datetime | None = attribute(
        "The time of that comparison: of the bucket that was compared longest ago, or of a later check."
    )


@strawberry.type
class ConsistencyQueries:
    consistency: Consistency | None = field(
        _consistency,
        "How far the projection is behind the tables now. Three statements, which read only pending changes.",
        needs="consistency:read",
    )
