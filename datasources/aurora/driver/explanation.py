"""Records the statements of a request that is explained, with the plans of PostgreSQL if it asks for them."""

from collections.abc import Mapping
from typing import Any

from psycopg import AsyncConnection

from datasources.aurora.statements import Statement
from datasources.request import Explanation, StatementStats

# A mutation can send thousands of statements; the first ones explain it.
MAX_EXPLAINED_STATEMENTS = 100
# Without ANALYZE the statement does not run.
_EXPLAIN = "EXPLAIN (FORMAT TEXT) "


async def record_statement(
    explanation: Explanation,
    connection: AsyncConnection[Any],
    statement: Statement,
    parameters: Mapping[str, object],
    rows: int,
    seconds: float,
) -> None:
    """Record a statement that has ended, up to MAX_EXPLAINED_STATEMENTS. PostgreSQL's EXPLAIN counts as none."""
    if len(explanation.statements) >= MAX_EXPLAINED_STATEMENTS:
        return
    plan: tuple[str, ...] = ()
    if explanation.with_statements and statement.text.lstrip().startswith(("SELECT", "WITH")):
        cursor = await connection.execute(f"{_EXPLAIN}{statement.text}".encode(), parameters)
        plan = tuple(line for (line,) in await cursor.fetchall())
    explanation.statements.append(StatementStats(statement.name, rows, seconds * 1_000, plan))
