"""Search in both databases: words, prefixes and similar spellings, with one scale of scores."""

from unicodedata import normalize

from datasources.aurora.driver.database import Database
from datasources.aurora.driver.row_factory import EnumRecord
from datasources.aurora.statements import statements
from datasources.records.queries import Scope
from datasources.records.search import SearchHit, SearchQuery

# At most this many matching rows of one kind are ranked, so that a word in every row stays affordable.
MAX_CANDIDATES = 2_000
# From Thai on, as in `spelled_letters` of the database.
_SPELLED_BY_THREE = 0x0E00
# Plain text of about two lines.
HEADLINE_OPTIONS = 'StartSel="", StopSel="", MaxWords=30, MinWords=12, MaxFragments=0'


async def search_main(database: Database, query: SearchQuery, scope: Scope) -> list[SearchHit]:
    """Return the visible matches in the main database, best first. One statement."""
    visible = {"sees_restricted": scope.sees_restricted, "team_keys": list(scope.team_keys)}
    bound = _bound(query) | visible | {"kinds": [kind.value for kind in query.kinds], "headline": HEADLINE_OPTIONS}
    return await database.fetch(statements("search/search")["search_main"], bound, EnumRecord(SearchHit))


async def search_requirements(database: Database, query: SearchQuery) -> list[SearchHit]:
    """Return the matching requirements, best first. One statement."""
    statement = statements("search/search")["search_requirements"]
    return await database.fetch(statement, _bound(query), EnumRecord(SearchHit))


def _bound(query: SearchQuery) -> dict[str, object]:
    # Normalized like the stored text, and before quoting: some characters become quotes by it.
    text = normalize("NFKC", query.text)
    *words, last = text.split() or [text]
    return {
        "text": text,
        "exact": list({query.text, text, text.lower(), text.upper()}),
        "words": " ".join(word for word in words if word.isascii()),
        # Letters of one word that become words of their own must follow each other, so each word is a phrase.
        "phrases": " & ".join([*(_quoted(word) for word in words if not word.isascii()), f"{_quoted(last)}:*"]),
        "inside": _inside(text),
        "beginning": text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%",
        "first": query.first,
        "candidates": MAX_CANDIDATES,
    }


def _quoted(word: str) -> str:
    # A quoted word is parsed as text instead of query syntax; :* matches words that begin with it.
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"


def _inside(text: str) -> str | None:
    """Return the text if it is also searched inside words, else None.

    That is so for text beyond ASCII whose ASCII spelling has the three letters of a trigram; any single letter beyond
    U+0E00 has them."""
    letters = sum(3 if ord(letter) >= _SPELLED_BY_THREE else 1 for letter in text if letter.isalnum())
    return text if not text.isascii() and letters >= 3 else None
