"""The plan of PostgreSQL for a statement, which is not executed again."""

from collections.abc import Mapping
from typing import Any

from psycopg import AsyncConnection

from datasources.aurora.statements import Statement

# Without ANALYZE the statement does not run.
_EXPLAIN = "EXPLAIN (FORMAT TEXT) "


async def explain_statement(
    connection: AsyncConnection[Any], statement: Statement, parameters: Mapping[str, object]
) -> tuple[str, ...]:
    """Return the lines of PostgreSQL's EXPLAIN for a SELECT with these parameters. It counts as no statement."""
    cursor = await connection.execute(f"{_EXPLAIN}{statement.text}".encode(), parameters)
    return tuple(line for (line,) in await cursor.fetchall())
