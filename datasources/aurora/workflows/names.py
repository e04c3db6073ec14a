"""Finds the names that workflow definitions use, inside or outside of a transaction of the main database."""

from collections.abc import Callable, Collection, Mapping
from typing import Protocol, TypeVar

from datasources.aurora.driver.row_factory import KeyedRecord
from datasources.aurora.statements import Statement, statements

R = TypeVar("R")


class StatementReader(Protocol):
    """A database, or a transaction of it."""

    async def fetch(self, statement: Statement, parameters: Mapping[str, object], record: Callable[..., R]) -> list[R]:
        """Return rows as records."""
        ...


async def find_names(
    reader: StatementReader,
    classes: Collection[str],
    teams: Collection[str],
    users: Collection[str],
    workflows: Collection[str],
) -> set[tuple[str, str]]:
    """Return the existing keys, each with its kind: class, team, user or workflow."""
    bound = {"classes": list(classes), "teams": list(teams), "users": list(users), "workflows": list(workflows)}
    statement = statements("workflows/names")["workflow_known_names"]
    return set(await reader.fetch(statement, bound, KeyedRecord(str, "kind")))


async def fetch_chained_workflows(reader: StatementReader) -> list[tuple[str, str]]:
    """Return pairs of keys: a published workflow, and the workflow whose end of a run starts it."""
    return await reader.fetch(statements("workflows/names")["workflow_published_after"], {}, KeyedRecord(str, "key"))
