"""Configuration items and teams that phrases of a question may mean."""

from collections.abc import Sequence

from datasources.aurora.driver.database import Database
from datasources.aurora.driver.row_factory import KeyedRecord
from datasources.aurora.statements import statements
from datasources.records.search import NamedRecord

_STATEMENTS = statements("search/mentions")

# At most this many items with the words of one phrase are ordered, and this many of them returned.
MAX_CANDIDATES = 2_000
MAX_ITEMS = 20


async def fetch_items_by_phrases(
    database: Database, phrases: Sequence[str], uncertain: Sequence[str]
) -> list[tuple[str, NamedRecord]]:
    """Return pairs of phrase and item: of all phrases by name or key, of uncertain ones by words and spelling, too."""
    bound = {
        "phrases": list(dict.fromkeys([*phrases, *uncertain])), "uncertain": list(uncertain),
        "candidates": MAX_CANDIDATES, "first": MAX_ITEMS,
    }  # fmt: skip
    return await database.fetch(_STATEMENTS["items_by_phrases"], bound, KeyedRecord(NamedRecord))


async def fetch_teams_by_phrases(database: Database, phrases: Sequence[str]) -> list[tuple[str, NamedRecord]]:
    """Return pairs of phrase and team, by name or key."""
    return await database.fetch(_STATEMENTS["teams_by_phrases"], {"phrases": list(phrases)}, KeyedRecord(NamedRecord))
