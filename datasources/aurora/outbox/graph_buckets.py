"""Buckets of the graph: which are due to be compared with the tables, and what their latest comparisons found."""

from collections.abc import Sequence
from dataclasses import dataclass

from datasources.aurora.driver.database import Database
from datasources.aurora.outbox.outbox import ConsistencyCheck
from datasources.aurora.statements import Statement, statements


@dataclass(frozen=True, slots=True)
class BucketComparison:
    """One bucket: its nodes and edges in the tables, both digests as found, and the differences that are left."""

    bucket: int
    nodes: int
    edges: int
    tables: str
    graph: str
    divergent: int


async def claim_due(main: Database, seconds: float, most: int) -> list[int]:
    """At most `most` buckets that nobody set out to compare for so many seconds. A claim needs no end: it is due again
    after the same time, whatever became of its holder."""
    return sorted(await main.fetch(_sql("buckets_claimed"), {"seconds": seconds, "most": most}, int))


async def mark_all_due(main: Database) -> None:
    """Let every bucket be due now."""
    await main.fetch(_sql("buckets_due"), {}, bool)


async def store_comparisons(main: Database, compared: Sequence[BucketComparison]) -> None:
    """Remember what comparisons found."""
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
    """The comparison of the whole by buckets, as old as its oldest; None while some were never compared."""
    found = await main.fetch(_sql("buckets_last"), {}, ConsistencyCheck)
    return found[0] if found else None


async def fetch_pending_entity_ids(main: Database) -> frozenset[str]:
    """The ids of entities that the graph has still to be told of."""
    return frozenset(await main.fetch(_sql("outbox_waiting"), {}, str))


def _sql(name: str) -> Statement:
    return statements("outbox/outbox")[name]
