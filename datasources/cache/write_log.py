"""The witness: the database's word on what was written, without which no cached value is trusted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class WrittenTables:
    """What was committed since a moment: the tables, None if that can't be told any more; and the moment of asking,
    as a text that the witness understands."""

    snapshot: str
    tables: frozenset[str] | None


class WriteLog(Protocol):
    """Three questions to the database that the cached values come from. Errors are those of that database."""

    async def record_lease(self, seconds: float) -> None:
        """Remember, before anything is asked, that values may be trusted until so many seconds from now."""
        ...

    async def read_writes(self, since: str | None) -> WrittenTables:
        """What was committed since an earlier moment and was not visible then. None is a moment nobody knows."""
        ...

    async def record_writes(self, tables: Sequence[str]) -> float:
        """Note that these tables were written to, for whoever asks from now on; then for how many seconds at most
        anybody may still trust what he had asked about before."""
        ...
