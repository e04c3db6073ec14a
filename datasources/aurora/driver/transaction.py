"""One transaction: statements in, records out, all of it or nothing."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from psycopg import AsyncConnection

from datasources.aurora.statements import Statement

R = TypeVar("R")

Run = Callable[[AsyncConnection[Any], Statement, Mapping[str, object], Callable[..., Any] | None], Awaitable[list[Any]]]


class Transaction:
    """Statements on one connection inside BEGIN and COMMIT. Each counts as one of the call's statements."""

    def __init__(self, connection: AsyncConnection[Any], run: Run) -> None:
        self._connection = connection
        self._run = run

    async def fetch(self, statement: Statement, parameters: Mapping[str, object], record: Callable[..., R]) -> list[R]:
        """Rows as records: `record` is called with each row's columns in order."""
        return await self._run(self._connection, statement, parameters, record)

    async def execute(self, statement: Statement, parameters: Mapping[str, object]) -> None:
        """A statement without rows."""
        await self._run(self._connection, statement, parameters, None)
