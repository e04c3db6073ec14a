"""The write log: which tables changed since a snapshot. Without it no cached value is trusted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class WrittenTables:
    """The tables that were committed since a snapshot, None if that is no longer known; and the current snapshot,
    as a text for the next call."""

    snapshot: str
    tables: frozenset[str] | None


class WriteLog(Protocol):
    """The three calls to the database from which cached values come. They raise the errors of that database."""

    async def record_lease(self, seconds: float) -> None:
        """Record, before reading the writes, that values may be trusted for so many seconds from now."""
        ...

    async def read_writes(self, since: str | None) -> WrittenTables:
        """Return the tables committed since an earlier snapshot and not visible in it. None is an unknown snapshot."""
        ...

    async def record_writes(self, tables: Sequence[str]) -> float:
        """Record that these tables were written, for all later readers.

        Return for how many seconds at most a value that was confirmed earlier may still be trusted.
        """
        ...
