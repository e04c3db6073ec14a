"""Search in both databases: words, beginnings and similar spellings, on one scale."""

from datasources.aurora.database import Database
from datasources.aurora.statements import statements
from datasources.records.queries import Scope
from datasources.records.search import SearchAsked, SearchHit, SearchKind

# Of rows of one kind that hold the words, at most so many are ranked; a word in every row stays affordable.
CANDIDATES = 2_000
# Plain text of about two lines.
HEADLINE = 'StartSel="", StopSel="", MaxWords=30, MinWords=12, MaxFragments=0'


async def search_main(database: Database, asked: SearchAsked, scope: Scope) -> list[SearchHit]:
    """What matches in the main database and may be seen, best first. One statement."""
    visible = {"sees_restricted": scope.sees_restricted, "team_keys": list(scope.team_keys)}
    bound = _bound(asked) | visible | {"kinds": [kind.value for kind in asked.kinds], "headline": HEADLINE}
    return await database.fetch(statements("search")["search_main"], bound, _hit)


async def search_requirements(database: Database, asked: SearchAsked) -> list[SearchHit]:
    """The requirements that match, best first. One statement."""
    return await database.fetch(statements("search")["search_requirements"], _bound(asked), _hit)


def _bound(asked: SearchAsked) -> dict[str, object]:
    *words, last = asked.text.split()
    return {
        "text": asked.text,
        "exact": list({asked.text, asked.text.lower(), asked.text.upper()}),
        "words": " ".join(words),
        # Quoted, the word is parsed as text instead of as query syntax; :* asks for words that begin like it.
        "last": "'" + last.replace("\\", "\\\\").replace("'", "''") + "':*",
        "beginning": asked.text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%",
        "first": asked.first,
        "candidates": CANDIDATES,
    }


def _hit(kind: str, identity: str, score: float, title: str, excerpt: str | None) -> SearchHit:
    return SearchHit(SearchKind(kind), identity, score, title, excerpt)
