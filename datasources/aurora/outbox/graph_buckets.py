"""Buckets of the graph: which are due for comparison with the tables, and the results of their last comparisons."""

from collections.abc import Sequence
from dataclasses import dataclass

from datasources.aurora.driver.database import Database
from datasources.aurora.outbox.outbox import ConsistencyCheck
from datasources.aurora.statements import Statement, statements


@dataclass(frozen=True, slots=True)
class BucketComparison:
    """One bucket: its nodes and edges in the tables, both digests, and the number of remaining differences."""

    bucket: int
    nodes: int
    edges: int
    tables: str
    graph: str
    divergent: int


async def claim_due(main: Database, seconds: float, most: int) -> list[int]:
    """Claim at most `most` buckets that were not claimed for so many seconds. A claim is not released: its bucket is
    due again after the same time, whatever happened to its holder."""
    return sorted(await main.fetch(_sql("buckets_claimed"), {"seconds": seconds, "most": most}, int))


async def mark_all_due(main: Database) -> None:
    """Make every bucket due now."""
    await main.fetch(_sql("buckets_due"), {}, bool)


async def store_comparisons(main: Database, compared: Sequence[BucketComparison]) -> None:
    """Store the results of comparisons."""
    bound = {
        "buckets": [each.bucket for each in compared],
        "nodes": [each.nodes for each in compared],
        "edges": [each.edges for each in compared],
        "tables": [each.tables for each in compared],
        "graph": [each.graph for each in compared],
        "divergent": [each.divergent for each in compared],
    }
    async with main.transaction() as transaction:
        await transaction.execute(_sql("buckets_compared"), bound)


async def fetch_last_check(main: Database) -> ConsistencyCheck | None:
    """Return the check of the whole graph by buckets, as old as its oldest; None while some were never compared."""
    rows = await main.fetch(_sql("buckets_last"), {}, ConsistencyCheck)
    return rows[0] if rows else None


async def fetch_pending_entity_ids(main: Database) -> frozenset[str]:
    """Return the ids of entities whose changes are not in the graph yet."""
    return frozenset(await main.fetch(_sql("outbox_waiting"), {}, str))


def _sql(name: str) -> Statement:
    return statements("outbox/outbox")[name]
