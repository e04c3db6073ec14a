"""What the Python GraphQL peers share: pools, rows as dictionaries, and batches grouped by key."""

import base64
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from psycopg import AsyncConnection, AsyncRawCursor
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from bench.peers.servers.statements import CONNECTIONS, statements, url

Row = dict[str, Any]
STATEMENTS = {name: text.encode() for name, text in statements("graphql").items()}
# By database: main and requirements.
_pools: dict[str, AsyncConnectionPool[AsyncConnection[Any]]] = {}


@asynccontextmanager
async def lifespan(_: Any) -> AsyncIterator[None]:
    """Open the pools for as long as the server runs."""
    for database, size in CONNECTIONS.items():
        settings = {"autocommit": True, "prepare_threshold": 0, "options": "-c timezone=UTC"}
        pool = AsyncConnectionPool(url(database), min_size=size, max_size=size, open=False, kwargs=settings)
        await pool.open(wait=True)
        _pools[database] = pool
    yield
    for pool in _pools.values():
        await pool.close()


async def fetch(name: str, parameters: tuple[object, ...], database: str = "main") -> list[Row]:
    """Return the rows of a named statement, which is prepared at its first use on a connection."""
    async with _pools[database].connection() as connection:
        cursor = AsyncRawCursor(connection, row_factory=dict_row)
        await cursor.execute(STATEMENTS[name], parameters)
        return await cursor.fetchall()


async def fetch_groups(name: str, keys: Iterable[str], *parameters: object, database: str = "main") -> list[list[Row]]:
    """Return the rows of each key, in the order of the keys: what a loader's batch returns."""
    listed = list(keys)
    groups: dict[str, list[Row]] = {key: [] for key in listed}
    for row in await fetch(name, (listed, *parameters), database):
        groups[str(row["_key"])].append(row)
    return [groups[key] for key in listed]


def cursor_of(*values: object) -> str:
    """Return an opaque cursor of the values that order a list."""
    return base64.b64encode("|".join(map(str, values)).encode()).decode()
