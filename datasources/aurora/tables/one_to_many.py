"""Links with few rows: all rows for many keys, by one statement."""

from collections.abc import Sequence
from typing import Any, TypeVar

from datasources.aurora.driver.database import Database
from datasources.aurora.statements import statements

R = TypeVar("R")


async def fetch_lists_by_key(
    database: Database, domain: str, statement: str, keys: Sequence[str], record: type[R]
) -> dict[str, list[R]]:
    """Return records by key, in the order of the statement, whose first column is the key."""

    def pair(key: str, *values: Any) -> tuple[str, R]:
        return key, record(*values)

    result: dict[str, list[R]] = {}
    for key, row in await database.fetch(statements(f"{domain}/table")[statement], {"keys": list(keys)}, pair):
        result.setdefault(key, []).append(row)
    return result
