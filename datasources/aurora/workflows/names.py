"""Names that definitions of workflows use, asked of the main database inside or outside of a transaction."""

from collections.abc import Callable, Collection, Mapping
from typing import Protocol, TypeVar

from datasources.aurora.statements import Statement, statements

R = TypeVar("R")


class StatementReader(Protocol):
    """A database or a transaction of it."""

    async def fetch(self, statement: Statement, parameters: Mapping[str, object], record: Callable[..., R]) -> list[R]:
        """Rows as records."""
        ...


async def find_known_names(
    asked: StatementReader,
    classes: Collection[str],
    teams: Collection[str],
    users: Collection[str],
    workflows: Collection[str],
) -> set[tuple[str, str]]:
    """Those of the keys that there are, each with what it is the key of: class, team, user or workflow."""
    bound = {"classes": list(classes), "teams": list(teams), "users": list(users), "workflows": list(workflows)}
    return set(await asked.fetch(statements("workflows/names")["workflow_known_names"], bound, _pair))


async def fetch_chained_workflows(asked: StatementReader) -> list[tuple[str, str]]:
    """Each published workflow that the end of another's run starts, with that other one, by key."""
    return await asked.fetch(statements("workflows/names")["workflow_published_after"], {}, _pair)


def _pair(one: str, other: str) -> tuple[str, str]:
    return one, other
