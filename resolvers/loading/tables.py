"""Loaders of tables: single rows by a unique key; pages, counts and groups by a link or of the whole table."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from datasources.aurora.driver.database import Database
from datasources.aurora.tables.one_to_many import fetch_lists_by_key
from datasources.aurora.tables.table import Table
from datasources.records.queries import ANYTHING, GroupCount, PageRequest, Predicate, RowPage
from resolvers.context import Context
from resolvers.loading.loader import Loader

R = TypeVar("R")


class RowBy(Loader[str, R | None], Generic[R]):
    """One row by a unique key. `by` names the statement: ids, numbers, keys."""

    table: ClassVar[Table[Any]]
    by: ClassVar[str] = "ids"

    def __init_subclass__(cls) -> None:
        if "table" in cls.__dict__:
            cls.value = cls.table.record | None

    @property
    def reads(self) -> tuple[str, ...]:
        return self.table.tables

    @property
    def scope_key(self) -> str:
        return self.context.scope.key if self.table.restricted else ""

    async def fetch(self, keys: Sequence[str]) -> Mapping[str, R | None]:
        return await self.table.fetch_by_key(_database(self), self.by, keys, self.context.scope)

    def absent(self, key: str) -> R | None:
        return None


@dataclass(frozen=True, slots=True)
class Selection:
    """The selected rows of a link: a predicate, and parameters of the link as sorted pairs."""

    predicate: Predicate = ANYTHING
    extra: tuple[tuple[str, str | None], ...] = ()


@dataclass(frozen=True, slots=True)
class RowsArguments:
    """A selection and what to load of it: a page without some columns, the field to group by, or neither."""

    selection: Selection
    page: PageRequest | None = None
    group: str | None = None
    # Columns that no field reads, sorted; records of the page have None instead.
    omitted: tuple[str, ...] = ()


class RowsBy(Loader[str | None, Any]):
    """Base of pages, counts and groups: a table, and the link from the key; without a link the key is None."""

    table: ClassVar[Table[Any]]
    link: ClassVar[str | None] = None
    # For a link in another database: the loader of linked ids by key. They are loaded first, once for pages, counts and
    # groups, and bound to the link's SQL fragment as pairs (linked_keys, linked_ids).
    through: ClassVar[type["RelatedBy[str]"] | None] = None
    arguments: RowsArguments

    def __init__(self, context: Context, arguments: Any = None) -> None:
        super().__init__(context, arguments)
        self._linked: dict[str | None, list[str]] = {}

    def load(self, key: str | None) -> asyncio.Future[Any]:
        if self.through is None or key is None or key in self._linked:
            return super().load(key)
        task = asyncio.ensure_future(self._load_through(self.through, key))
        # Retrieved here, as in Loader, so that a field that is never awaited logs nothing.
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return task

    async def _load_through(self, through: type["RelatedBy[str]"], key: str) -> Any:
        self._linked[key] = await self.context.loader(through).load(key)
        return await super().load(key)

    @property
    def reads(self) -> tuple[str, ...]:
        linked = () if self.through is None else self.through.tables
        return (*self.table.tables_read(self.arguments.selection.predicate), *linked)

    @property
    def scope_key(self) -> str:
        # A predicate may read restricted rows, so the scope is always part of the key.
        return self.context.scope.key

    def _query_arguments(self, keys: Sequence[str | None]) -> dict[str, Any]:
        selection = self.arguments.selection
        extra: dict[str, object] = dict(selection.extra)
        if self.through is not None:
            pairs = [(key, linked) for key in keys for linked in self._linked[key]]
            extra |= {"linked_keys": [key for key, _ in pairs], "linked_ids": [linked for _, linked in pairs]}
        return {"predicate": selection.predicate, "scope": self.context.scope, "extra": extra}


class PagesBy(RowsBy, Generic[R]):
    """Pages of rows: `arguments` is a RowsArguments with a page.

    A subclass sets `table` and `link`; it gets `counts` and `groups`, loaders of the same rows.
    """

    counts: ClassVar[type["CountsBy"]]
    groups: ClassVar[type["GroupsBy"]]

    def __init_subclass__(cls) -> None:
        if "table" not in cls.__dict__:
            return
        shared = {"table": cls.table, "link": cls.link, "through": cls.through}
        cls.counts = type(f"CountsOf{cls.__name__}", (CountsBy,), dict(shared))
        cls.groups = type(f"GroupsOf{cls.__name__}", (GroupsBy,), dict(shared))
        if cls.link is not None:
            cls.value = RowPage[cls.table.record]  # type: ignore[name-defined]
            cls.counts.value = int
            cls.groups.value = tuple[GroupCount, ...]

    async def fetch(self, keys: Sequence[str | None]) -> Mapping[str | None, RowPage[R]]:
        assert self.arguments.page is not None  # noqa: S101
        return await self.table.fetch_pages(
            _database(self),
            self.link,
            keys,
            page=self.arguments.page,
            omitted=self.arguments.omitted,
            **self._query_arguments(keys),
        )

    def absent(self, key: str | None) -> RowPage[R]:
        return RowPage(rows=(), more=False)


class CountsBy(RowsBy):
    """The number of rows."""

    async def fetch(self, keys: Sequence[str | None]) -> Mapping[str | None, int]:
        return await self.table.fetch_counts(_database(self), self.link, keys, **self._query_arguments(keys))

    def absent(self, key: str | None) -> int:
        return 0


class GroupsBy(RowsBy):
    """The number of rows by value of one field."""

    async def fetch(self, keys: Sequence[str | None]) -> Mapping[str | None, tuple[GroupCount, ...]]:
        assert self.arguments.group is not None  # noqa: S101
        return await self.table.fetch_groups(
            _database(self), self.link, keys, by=self.arguments.group, **self._query_arguments(keys)
        )

    def absent(self, key: str | None) -> tuple[GroupCount, ...]:
        return ()


class RelatedBy(Loader[str, list[R]], Generic[R]):
    """All rows of a link, always few, in the order of their statement: first column the key, then the record."""

    domain: ClassVar[str]
    statement: ClassVar[str]
    record: ClassVar[type[Any]]
    tables: ClassVar[tuple[str, ...]]
    database: ClassVar[str] = "main"

    def __init_subclass__(cls) -> None:
        if "record" in cls.__dict__:
            cls.value = list[cls.record]  # type: ignore[name-defined]

    @property
    def reads(self) -> tuple[str, ...]:
        return self.tables

    async def fetch(self, keys: Sequence[str]) -> Mapping[str, list[R]]:
        database = self.context.sources.database(self.database)
        return await fetch_lists_by_key(database, self.domain, self.statement, keys, self.record)

    def absent(self, key: str) -> list[R]:
        return []


def _database(loader: RowBy[Any] | RowsBy) -> Database:
    return loader.context.sources.database(loader.table.database)
