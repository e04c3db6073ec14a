"""One transaction: it executes statements and returns records; all of it is committed or nothing."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from psycopg import AsyncConnection

from datasources.aurora.statements import Statement

R = TypeVar("R")

Run = Callable[[AsyncConnection[Any], Statement, Mapping[str, object], Callable[..., Any] | None], Awaitable[list[Any]]]


class Transaction:
    """Statements on one connection inside BEGIN and COMMIT. Each counts as a statement of the request."""

    def __init__(self, connection: AsyncConnection[Any], run: Run) -> None:
        self._connection = connection
        self._run = run

    async def fetch(self, statement: Statement, parameters: Mapping[str, object], record: Callable[..., R]) -> list[R]:
        """Return rows as records: `record` is called with the columns that have the names of its parameters."""
        return await self._run(self._connection, statement, parameters, record)

    async def execute(self, statement: Statement, parameters: Mapping[str, object]) -> None:
        """Execute a statement without rows."""
        await self._run(self._connection, statement, parameters, None)
