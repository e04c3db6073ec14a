"""Publications of chunks: which objects of the knowledge base differ from the tables, and the ingestion that waits."""

from collections.abc import Sequence

from datasources.aurora.driver.database import Database
from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.statements import statements
from datasources.records.document_chunks import ChunkPublication, ObsoletePublication

_STATEMENTS = statements("documents/publications")

# Ids of items in the metadata of a chunk. S3 Vectors keeps 2 kB of metadata that filters use: 20 ids are 0.8 kB, and
# the others have less than that. https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-vectors-limitations.html
MAX_ITEMS = 20


async def lock(transaction: Transaction, silence: float) -> bool:
    """Become the only publisher until the transaction ends. False if there is one.

    The server ends the transaction after `silence` seconds without a statement, so that a frozen process does not
    hold the lock.
    """
    await transaction.fetch(_STATEMENTS["publications_bounded"], {"milliseconds": str(round(silence * 1_000))}, str)
    return (await transaction.fetch(_STATEMENTS["publications_locked"], {}, bool))[0]


async def begin(database: Database, limit: int) -> None:
    """Record of at most `limit` new chunks that they may have objects. Must be committed before these are written."""
    async with database.transaction() as transaction:
        await transaction.execute(_STATEMENTS["publications_begin"], {"limit": limit})


async def fetch_due(transaction: Transaction, limit: int, *, with_failed: bool = False) -> list[ChunkPublication]:
    """Return at most `limit` chunks whose objects must be written; first those whose metadata in the bucket is old.

    Without those whose last attempt failed; `with_failed` returns them too, behind the others, oldest failure first.
    """
    bound = {"max_items": MAX_ITEMS, "limit": limit, "failed_until": _failed_until(with_failed)}
    return await transaction.fetch(_STATEMENTS["publications_due"], bound, ChunkPublication)


async def fetch_obsolete(
    transaction: Transaction, limit: int, *, with_failed: bool = False
) -> list[ObsoletePublication]:
    """Return at most `limit` deleted chunks whose objects may exist. `with_failed` as in `fetch_due`."""
    bound = {"limit": limit, "failed_until": _failed_until(with_failed)}
    return await transaction.fetch(_STATEMENTS["publications_obsolete"], bound, ObsoletePublication)


def _failed_until(with_failed: bool) -> str:
    return "infinity" if with_failed else "-infinity"


async def count(database: Database) -> int:
    """Return the number of chunks whose objects must be written or deleted."""
    [number] = await database.fetch(_STATEMENTS["publications_count"], {"max_items": MAX_ITEMS}, int)
    return number


async def record_written(transaction: Transaction, chunks: Sequence[ChunkPublication]) -> None:
    """Record that the objects of these chunks are written."""
    bound = {
        "ids": [each.chunk_id for each in chunks],
        "teams": [each.restricted_team for each in chunks],
        # An array of arrays cannot be unnested row by row.
        "items": [",".join(each.item_ids) for each in chunks],
    }
    await transaction.execute(_STATEMENTS["publications_written"], bound)
    await transaction.execute(_STATEMENTS["ingestion_request"], {})


async def record_failed(transaction: Transaction, ids: Sequence[str]) -> None:
    """Record that the objects of these chunks could not be written or deleted, so that others come before them."""
    await transaction.execute(_STATEMENTS["publications_failed"], {"ids": list(ids)})


async def record_deleted(transaction: Transaction, ids: Sequence[str]) -> None:
    """Record that the objects of these chunks are deleted."""
    await transaction.execute(_STATEMENTS["publications_delete"], {"ids": list(ids)})
    await transaction.execute(_STATEMENTS["ingestion_request"], {})


async def reset(database: Database) -> None:
    """Let the objects of all chunks be written again, for example into a bucket that lost them."""
    async with database.transaction() as transaction:
        await transaction.execute(_STATEMENTS["publications_reset"], {})


async def try_ingestion(transaction: Transaction, seconds: float) -> bool:
    """Record a try to start an ingestion. False if none is needed, or the last try is less than `seconds` ago."""
    return bool(await transaction.fetch(_STATEMENTS["ingestion_try"], {"seconds": seconds}, bool))


async def record_ingestion(transaction: Transaction) -> None:
    """Record that an ingestion was started, which reads all that has been published so far."""
    await transaction.execute(_STATEMENTS["ingestion_started"], {})
