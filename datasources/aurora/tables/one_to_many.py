"""Links with few rows: all rows for many keys, by one statement."""

from collections.abc import Sequence
from typing import TypeVar

from datasources.aurora.driver.database import Database
from datasources.aurora.driver.row_factory import KeyedRecord
from datasources.aurora.statements import statements

R = TypeVar("R")


async def fetch_lists_by_key(
    database: Database, domain: str, statement: str, keys: Sequence[str], record: type[R]
) -> dict[str, list[R]]:
    """Return records by the column `lookup_key`, in the order of the statement."""
    result: dict[str, list[R]] = {}
    bound = {"keys": list(keys)}
    for key, row in await database.fetch(statements(f"{domain}/table")[statement], bound, KeyedRecord(record)):
        result.setdefault(key, []).append(row)
    return result
